//! Global ids: the type's name and the uuid in one readable string, `customer_01h455vb4pex5vsknk084sn02q` (TypeID).

use async_graphql::ID;
use entities::Violations;
use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

use crate::error::{Result, invalid};

/// The id as clients see it.
pub(crate) fn encode(kind: &str, id: Uuid) -> ID {
    match DynamicType::new(kind) {
        Ok(kind) => ID(TypeSafeId::from_type_and_uuid(kind, id).to_string()),
        // The kinds are constants of this crate; one that TypeID refuses would fail the first test.
        Err(_) => ID(format!("{kind}_{id}")),
    }
}

/// The kind and the uuid of any global id.
pub(crate) fn decode(id: &str) -> Option<(String, Uuid)> {
    let parsed: TypeSafeId<DynamicType> = id.parse().ok()?;
    Some((parsed.type_prefix().to_owned(), parsed.uuid()))
}

/// The uuid of an id that must be of this kind.
pub(crate) fn decode_as(kind: &str, field: &str, id: &ID) -> Result<Uuid> {
    decode(id)
        .filter(|(found, _)| found == kind)
        .map(|(_, uuid)| uuid)
        .ok_or_else(|| {
            let message =
                format!("must be the id of a {kind}, such as {kind}_01h455vb4pex5vsknk084sn02q");
            invalid(Violations::one(field, "id", &message))
        })
}
