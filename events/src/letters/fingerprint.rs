//! Fingerprints of failures: the consumer, the type of event, and the error without the numbers and ids that differ from one
//! event to the next. Letters with the same fingerprint can probably be fixed by the same change.

use sha2::{Digest, Sha256};

/// The number of hexadecimal digits of a fingerprint.
const DIGITS: usize = 16;

pub(super) fn fingerprint(consumer: &str, event_type: &str, error: &str) -> String {
    let mut hash = Sha256::new();
    for text in [consumer, event_type, &without_numbers(error)] {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..DIGITS].to_owned()
}

/// Removes the words that contain a digit: numbers, ids, addresses or times.
fn without_numbers(error: &str) -> String {
    let is_of_word =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.' | ':');
    let mut shortened = String::with_capacity(error.len());
    let mut rest = error;
    while let Some(first) = rest.chars().next() {
        if is_of_word(first) {
            let end = rest
                .find(|letter| !is_of_word(letter))
                .unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            shortened.push_str(if word.contains(|letter: char| letter.is_numeric()) {
                "#"
            } else {
                word
            });
            rest = after;
        } else {
            shortened.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    shortened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_event_makes_no_difference() {
        let of = |error: &str| fingerprint("posts", "PostLiked", error);
        assert_eq!(
            of("user 0192aaaa-0000-7000-8000-000000000001 has 3 likes"),
            of("user 7fffbbbb-0000-7000-8000-00000000000a has 17 likes")
        );
        assert_eq!(of("refused by 10.0.0.1:80"), of("refused by 10.1.0.7:8080"));
        assert_ne!(of("refused"), of("timed out"));
        assert_ne!(of("refused"), fingerprint("other", "PostLiked", "refused"));
        assert_ne!(of("refused"), fingerprint("posts", "PostEdited", "refused"));
        assert_eq!(of("é 1"), of("é 22"));
        assert_eq!(of("refused").len(), DIGITS);
    }
}
