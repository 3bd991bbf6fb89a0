//! What fields cost when it is not 1, and how long lists are of which nobody says it: directives of the schema, so that whoever reads it
//! knows, and the gateway can add up what an operation costs before it is executed. The names are those of the cost directive specification.

use async_graphql::TypeDirective;

/// Counting reads everything that is counted.
pub(crate) const COUNT: &str = "250";
/// Searching reads everything that is searched.
pub(crate) const SEARCH: &str = "1000";

/// The cost of requesting a field or of giving an input. Without it a field costs 1, and an input nothing.
#[TypeDirective(location = "FieldDefinition", location = "InputFieldDefinition")]
pub(crate) fn cost(weight: String) {}

/// The number of items that a list is assumed to have. The cost of what is selected of an item is multiplied by it.
#[TypeDirective(name = "listSize", location = "FieldDefinition")]
pub(crate) fn list_size(assumed_size: i32) {}
