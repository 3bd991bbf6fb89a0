//! Measures a document's tokens, words and bracket nesting in one pass without allocating, so that a hostile document never reaches the
//! recursive parser. It accepts anything; the parser judges the syntax.

use std::ops::Range;

/// The size of a document's text, as it matters to the parser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) tokens: usize,
    pub(crate) nesting: usize,
    /// The bytes of the longest name or number.
    pub(crate) longest: usize,
    /// Commas and comments: they mean nothing, but the parser keeps each.
    pub(crate) ignored: usize,
}

/// What begins at a place of a text.
enum Piece {
    Blank,
    /// A comma or a comment.
    Ignored,
    Token,
}

/// Measures up to `max_tokens` tokens, or as many ignored ones, and stops just after the first beyond.
pub(crate) fn measure(text: &str, max_tokens: usize) -> Extent {
    let bytes = text.as_bytes();
    let mut extent = Extent::default();
    let mut open = 0_usize;
    let mut at = 0;
    while at < bytes.len() && extent.tokens.max(extent.ignored) <= max_tokens {
        let (piece, end) = piece(bytes, at);
        match piece {
            Piece::Blank => {}
            Piece::Ignored => extent.ignored += 1,
            Piece::Token => {
                extent.tokens += 1;
                match bytes[at] {
                    b'{' | b'[' | b'(' => {
                        open += 1;
                        extent.nesting = extent.nesting.max(open);
                    }
                    b'}' | b']' | b')' => open = open.saturating_sub(1),
                    byte if is_word(byte) => extent.longest = extent.longest.max(end - at),
                    _ => {}
                }
            }
        }
        at = end;
    }
    extent
}

/// Returns the places of all tokens. Those of a text that was measured are bounded.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let (piece, end) = piece(bytes, at);
            let start = std::mem::replace(&mut at, end);
            if let Piece::Token = piece {
                return Some(start..end.min(bytes.len()));
            }
        }
        None
    })
}

/// Returns what begins there, and where it ends.
fn piece(bytes: &[u8], at: usize) -> (Piece, usize) {
    let end = match bytes[at] {
        b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF => return (Piece::Blank, at + 1),
        b',' => return (Piece::Ignored, at + 1),
        b'#' => return (Piece::Ignored, end_of_line(bytes, at)),
        b'"' => end_of_string(bytes, at),
        b'.' if bytes[at..].starts_with(b"...") => at + 3,
        byte if is_word(byte) => end_of_word(bytes, at),
        _ => at + 1,
    };
    (Piece::Token, end)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn end_of_word(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    let length = rest
        .iter()
        .position(|&byte| !is_word(byte) && byte != b'+')
        .unwrap_or(rest.len());
    // A number's fraction belongs to its token; the dots of a spread do not.
    let end = start + length;
    let fraction = bytes.get(end) == Some(&b'.')
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
        && bytes[start] != b'.';
    if fraction {
        end_of_word(bytes, end + 1)
    } else {
        end
    }
}

fn end_of_line(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    let length = rest
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .unwrap_or(rest.len());
    start + length
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    if bytes[start..].starts_with(b"\"\"\"") {
        return end_of_block_string(bytes, start + 3);
    }
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            // An unterminated string ends with its line, as in the parser.
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn end_of_block_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\\\"\"\"") {
            at += 4;
        } else if bytes[at..].starts_with(b"\"\"\"") {
            return at + 3;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extent(text: &str) -> (usize, usize) {
        let extent = measure(text, 1_000);
        (extent.tokens, extent.nesting)
    }

    #[test]
    fn counts_tokens_as_graphql_does() {
        assert_eq!(extent("{ __typename }"), (3, 1));
        assert_eq!(
            extent("query A($a: [Int!] = [1, -2.5e+3]) { b(c: $a) { d } }"),
            (28, 2)
        );
        assert_eq!(extent("{ a(s: \"} { \\\" [\") }"), (8, 2));
        assert_eq!(extent("{ a(s: \"\"\" } \\\"\"\" { \"\"\") }"), (8, 2));
        assert_eq!(extent("# { { {\n{ ...F ...{ a } }"), (8, 2));
        assert_eq!(extent("\u{feff}{a}"), (3, 1));
    }

    #[test]
    fn stops_just_after_the_maximum() {
        assert_eq!(measure(&"a ".repeat(1_000), 10).tokens, 11);
        assert_eq!(measure(&",#\n".repeat(1_000), 10).ignored, 11);
    }

    #[test]
    fn the_longest_word_is_one_outside_of_strings() {
        let longest = |text: &str| measure(text, 1_000).longest;
        assert_eq!(longest("{ abc: de(f: \"ghijklmno\") } # pqrstuvwxyz"), 3);
        assert_eq!(longest("{ a(b: -12.5e+3) ...Fragment }"), 8);
        assert_eq!(longest(&"a".repeat(10_000)), 10_000);
    }

    proptest! {
        #[test]
        fn accepts_any_text(text in ".*") {
            measure(&text, usize::MAX - 1);
        }

        #[test]
        fn nesting_is_that_of_the_brackets(depth in 0_usize..200) {
            let text = format!("{}a{}", "{".repeat(depth), "}".repeat(depth));
            prop_assert_eq!(extent(&text), (depth * 2 + 1, depth));
        }

        #[test]
        fn what_stands_in_a_string_costs_one_token(inside in "[a-z{}\\[\\]() #,.]*") {
            let text = format!("{{ a(b: \"{inside}\") }}");
            prop_assert_eq!(extent(&text), (8, 2));
        }
    }
}
