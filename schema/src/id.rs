//! Global ids as arguments. In objects, an id is its `Display` text.

use async_graphql::ID;
use entities::{
    Violations,
    id::{Id, Kind, NotAnId},
};

use crate::error::{Result, invalid};

/// Returns the id in an argument, which must be of this kind.
pub(crate) fn decode<K: Kind>(field: &str, id: &ID) -> Result<Id<K>> {
    id.parse()
        .map_err(|error: NotAnId| invalid(Violations::one(field, "id", &error.to_string())))
}
