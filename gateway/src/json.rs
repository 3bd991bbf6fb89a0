//! Writes values as JSON. What an answer takes to be written is mostly its texts, which are looked through eight bytes at a time for
//! those that have to be escaped. The bytes are those of serde_json. Called by `response`.

use async_graphql::Value;

/// Appends a value.
pub(crate) fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::String(text) => write_text(text, out),
        Value::Enum(name) => write_text(name, out),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => write_fields(fields, out),
        Value::Number(_) | Value::Binary(_) => write_serialized(value, out),
    }
}

/// Appends an object with these fields.
pub(crate) fn write_fields<'a, K: AsRef<str> + 'a>(
    fields: impl IntoIterator<Item = (K, &'a Value)>,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(name.as_ref(), out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

/// Appends something that cannot fail to serialize; if it does, this is logged, and `null` takes its place.
pub(crate) fn write_serialized(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    let start = out.len();
    if let Err(error) = serde_json::to_writer(&mut *out, value) {
        tracing::error!(%error, "an answer could not be serialized");
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    match has_escapes(bytes) {
        false => {
            out.reserve(bytes.len() + 2);
            out.push(b'"');
            out.extend_from_slice(bytes);
            out.push(b'"');
        }
        true => write_serialized(text, out),
    }
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// Returns whether a text has quotes, backslashes or control characters.
fn has_escapes(bytes: &[u8]) -> bool {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let is_one = |byte: &u8| matches!(byte, 0..0x20 | b'"' | b'\\');
    chunks
        .iter()
        .any(|chunk| has_escape(u64::from_ne_bytes(*chunk)))
        || rest.iter().any(is_one)
}

/// Returns whether one of eight bytes is to be escaped: if it is below a space, or zero once a quote or a backslash is taken away by
/// exclusive or. A byte is below `n`, at most 128, if its highest bit is off and subtracting `n` turns it on. A borrow may make the byte
/// behind one that is found look found, too, which makes no difference.
const fn has_escape(chunk: u64) -> bool {
    let controls = chunk.wrapping_sub(ONES * 0x20) & !chunk;
    let quotes = chunk ^ (ONES * b'"' as u64);
    let quotes = quotes.wrapping_sub(ONES) & !quotes;
    let backslashes = chunk ^ (ONES * b'\\' as u64);
    let backslashes = backslashes.wrapping_sub(ONES) & !backslashes;
    (controls | quotes | backslashes) & HIGHS != 0
}

#[cfg(test)]
mod tests {
    use async_graphql::{Name, indexmap::IndexMap};
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaves = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z\"\\\\\u{0}-\u{1f} é\u{7f}\u{2028}]{0,20}".prop_map(Value::String),
            any::<String>().prop_map(Value::String),
            "[A-Z_]{1,9}".prop_map(|name| Value::Enum(Name::new(name))),
        ];
        leaves.prop_recursive(4, 64, 6, |inner| {
            let fields = prop::collection::vec((any::<String>(), inner.clone()), 0..6);
            let object = |fields: Vec<(String, Value)>| {
                let fields = fields.into_iter();
                let fields = fields.map(|(name, value)| (Name::new(name), value));
                Value::Object(fields.collect::<IndexMap<_, _>>())
            };
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(Value::List),
                fields.prop_map(object),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_serde_json(value in values()) {
            let mut written = Vec::new();
            write(&value, &mut written);
            let expected = serde_json::to_vec(&value).expect("JSON");
            prop_assert_eq!(String::from_utf8(written), String::from_utf8(expected));
        }
    }

    #[test]
    fn every_byte_is_judged_wherever_it_is() {
        for byte in 0..=0x7f_u8 {
            for place in 0..20 {
                let mut bytes = [b'x'; 20];
                bytes[place] = byte;
                let expected = matches!(byte, 0..0x20 | b'"' | b'\\');
                assert_eq!(has_escapes(&bytes), expected, "{byte} at {place}");
            }
        }
        assert!(!has_escapes("ééééééééé\u{2028}".as_bytes()));
    }
}
