//! Global ids as arguments. In objects, an id is its `Display` text. A query finds nothing under what is no id of its kind; a
//! mutation refuses it.

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

/// Returns the id to look for. What is no id of this kind becomes the nil id, which belongs to nothing: so whoever asks is checked as
/// for every other id, and nothing is found.
pub(crate) fn sought<K: Kind>(id: &ID) -> Id<K> {
    id.parse().unwrap_or_default()
}
