//! The ids that operators read and type: those of the API, `letter_01h455vb4pex5vsknk084sn02q`.

use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

/// The id as people see it.
pub fn public_id(kind: &str, id: Uuid) -> String {
    match DynamicType::new(kind) {
        Ok(kind) => TypeSafeId::from_type_and_uuid(kind, id).to_string(),
        // Kinds are names in this code, which TypeID accepts; anything else is shown as it is.
        Err(_) => format!("{kind}_{id}"),
    }
}

/// The kind and the uuid of such an id.
pub fn parse_public_id(text: &str) -> Option<(String, Uuid)> {
    let parsed: TypeSafeId<DynamicType> = text.parse().ok()?;
    Some((parsed.type_prefix().to_owned(), parsed.uuid()))
}
