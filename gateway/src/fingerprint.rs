//! The fingerprint that tells a repeat of a request from another request under the same idempotency key. It must not
//! change between releases or processes, and does not depend on the order of keys in the variables.

use async_graphql::{Name, Value};
use sha2::{Digest, Sha256};

use crate::params::{Params, RequestFingerprint};

pub(crate) fn of(params: &Params) -> RequestFingerprint {
    let mut hash = Sha256::new();
    text(&mut hash, &params.query);
    text(
        &mut hash,
        params.operation_name.as_deref().unwrap_or_default(),
    );
    hash.update(params.variables.len().to_le_bytes());
    for (name, value) in params.variables.iter() {
        text(&mut hash, name);
        add(&mut hash, value);
    }
    RequestFingerprint(hash.finalize().into())
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update(text.len().to_le_bytes());
    hash.update(text);
}

fn add(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update([0]),
        Value::Boolean(flag) => hash.update([1, u8::from(*flag)]),
        Value::Number(number) => {
            hash.update([2]);
            text(hash, &number.to_string());
        }
        Value::String(string) => {
            hash.update([3]);
            text(hash, string);
        }
        Value::Enum(name) => {
            hash.update([4]);
            text(hash, name);
        }
        Value::Binary(bytes) => {
            hash.update([5]);
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        }
        Value::List(items) => {
            hash.update([6]);
            hash.update(items.len().to_le_bytes());
            items.iter().for_each(|item| add(hash, item));
        }
        Value::Object(fields) => {
            hash.update([7]);
            hash.update(fields.len().to_le_bytes());
            let mut fields: Vec<(&Name, &Value)> = fields.iter().collect();
            fields.sort_unstable_by(|one, other| one.0.cmp(other.0));
            for (name, value) in fields {
                text(hash, name);
                add(hash, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(body: &str) -> RequestFingerprint {
        of(&Params::from_json(body).expect("a valid body"))
    }

    #[test]
    fn follows_meaning_and_not_spelling() {
        let one = fingerprint(r#"{"query":"{a}","variables":{"a":{"x":1,"y":[2]},"b":null}}"#);
        let same = fingerprint(r#"{"variables":{"b":null,"a":{"y":[2],"x":1}},"query":"{a}"}"#);
        let other = fingerprint(r#"{"query":"{a}","variables":{"a":{"x":1,"y":[3]},"b":null}}"#);
        assert_eq!(one, same);
        assert_ne!(one, other);
    }
}
