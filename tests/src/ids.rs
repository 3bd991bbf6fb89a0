//! Parses the ids and cursors of the API: `customer_<26 characters>` contains a UUID in Crockford's base 32, and
//! `3fa9c1d2-128734-5b21ac09` is an epoch, a position, and a proof of the event there.

const ALPHABET: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Returns the UUID of a global id, as 32 hexadecimal digits.
pub fn uuid_digits(id: &str) -> Option<String> {
    let suffix = id.rsplit_once('_')?.1;
    if suffix.len() != 26 {
        return None;
    }
    let value = suffix.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|known| *known == byte)?;
        Some((value << 5) | digit as u128)
    })?;
    Some(format!("{value:032x}"))
}

/// Returns the global id of a kind with this UUID.
pub fn global_id(kind: &str, uuid: u128) -> String {
    let digits = (0..26)
        .rev()
        .map(|place| ALPHABET[(uuid >> (place * 5)) as usize & 31] as char);
    format!("{kind}_{}", digits.collect::<String>())
}

/// Returns the position of a cursor.
pub fn position(cursor: &str) -> u64 {
    let position = cursor
        .split('-')
        .nth(1)
        .and_then(|position| position.parse().ok());
    position.unwrap_or_else(|| panic!("not a cursor: {cursor}"))
}

/// Returns a cursor with the same epoch, another position, and no proof of it.
pub fn cursor_at(cursor: &str, position: u64) -> String {
    format!("{}-{position}", epoch(cursor))
}

/// Returns the epoch of a cursor.
pub fn epoch(cursor: &str) -> &str {
    cursor.split_once('-').expect("a cursor").0
}

#[test]
fn ids_go_there_and_back() {
    let uuid = 0x0193_8c5e_7f2a_7bcd_8ef0_1234_5678_9abc;
    let id = global_id("customer", uuid);
    assert_eq!(id.len(), "customer_".len() + 26);
    assert_eq!(
        uuid_digits(&id).as_deref(),
        Some(format!("{uuid:032x}").as_str())
    );
    let cursor = "3fa9c1d2-128734-5b21ac09";
    assert_eq!(cursor_at(cursor, 1), "3fa9c1d2-1");
    assert_eq!((epoch(cursor), position(cursor)), ("3fa9c1d2", 128_734));
}
