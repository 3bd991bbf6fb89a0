//! The costs of fields that do not cost 1, and the assumed lengths of lists without a given length. They are directives of the
//! schema, so that readers know them, and the gateway can add up the cost of an operation before it is executed. The names are
//! those of the cost directive specification.

use async_graphql::TypeDirective;

/// The cost of counting, which reads every counted row.
pub(crate) const COUNT: &str = "250";
/// The cost of searching, which reads every searched row.
pub(crate) const SEARCH: &str = "1000";

/// The cost of reading a picture and making another of it.
pub(crate) const PICTURE: &str = "1000";

/// The cost of what all members of a chat made of a message.
pub(crate) const RECEIPTS: &str = "10";

/// The cost of requesting a field or of giving an input. Without it a field costs 1, and an input nothing.
#[TypeDirective(location = "FieldDefinition", location = "InputFieldDefinition")]
pub(crate) fn cost(weight: String) {}

/// The number of items that a list is assumed to have. The cost of what is selected of an item is multiplied by it.
#[TypeDirective(name = "listSize", location = "FieldDefinition")]
pub(crate) fn list_size(assumed_size: i32) {}
