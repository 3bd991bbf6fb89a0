//! What a client that comes back says it has: `extensions.live` of its request, with the `digest` and the `cursor` of the last answer that
//! it was sent. An answer with the same digest is not sent again, and none is sent that is older than the cursor.

use async_graphql::{Extensions, ServerError, Value};

use crate::errors::{Code, typed};

const EXTENSION: &str = "live";

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) digest: Option<String>,
    pub(super) cursor: Option<String>,
}

impl Known {
    /// Reads it from a request's extensions.
    pub(super) fn of(extensions: &Extensions) -> Result<Self, ServerError> {
        let given = match extensions.0.get(EXTENSION) {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Object(given)) => given,
            Some(_) => return Err(refused("must be an object")),
        };
        let text = |name: &str| match given.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(refused("has texts, digest and cursor")),
        };
        Ok(Self {
            digest: text("digest")?,
            cursor: text("cursor")?,
        })
    }
}

fn refused(what: &str) -> ServerError {
    typed(Code::BadRequest, format!("extensions.live {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(extensions: serde_json::Value) -> Result<Known, ServerError> {
        Known::of(&serde_json::from_value(extensions).expect("extensions"))
    }

    #[test]
    fn what_a_client_has_is_named_by_texts() {
        let whole = serde_json::json!({ "live": { "digest": "d", "cursor": "c" } });
        let named = known(whole).expect("it is well formed");
        assert_eq!(
            (named.digest.as_deref(), named.cursor.as_deref()),
            (Some("d"), Some("c"))
        );
        assert_eq!(known(serde_json::json!({})).ok(), Some(Known::default()));
        assert!(known(serde_json::json!({ "live": 1 })).is_err());
        assert!(known(serde_json::json!({ "live": { "digest": 1 } })).is_err());
    }
}
