//! Descriptions of operations, fragments and variables, which the specification has since September 2025, and the parser does not know:
//! there are blanks in their places before it reads the text, so that all else is where it was. Called by `reading`.

use std::borrow::Cow;
use std::ops::Range;

use apollo_compiler::ast::Document as Syntax;

use super::lexer;

/// What may stand behind the description of a definition. A query without its keyword has none.
const DESCRIBED: [&str; 4] = ["query", "mutation", "subscription", "fragment"];

/// Returns the text without its descriptions, and how many there were.
pub(super) fn blanked(text: &str) -> (Cow<'_, str>, usize) {
    let found = match text.contains('"') {
        true => find(text),
        false => Vec::new(),
    };
    if found.is_empty() {
        return (text.into(), 0);
    }
    let mut blanked = String::with_capacity(text.len());
    for description in &found {
        blanked.push_str(&text[blanked.len()..description.start]);
        blanked.extend(std::iter::repeat_n(' ', description.len()));
    }
    blanked.push_str(&text[blanked.len()..]);
    (blanked.into(), found.len())
}

/// Returns the places of descriptions: of strings at the beginning of a definition, outside of all brackets, and at that of a variable's,
/// within parentheses alone. Behind `=` or `:` a string is a value.
fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut parentheses, mut others) = (0_usize, 0_usize);
    let mut before = "";
    let mut tokens = lexer::tokens(text).peekable();
    while let Some(place) = tokens.next() {
        let token = text.get(place.clone()).unwrap_or_default();
        match token {
            "(" => parentheses += 1,
            ")" => parentheses = parentheses.saturating_sub(1),
            "{" | "[" => others += 1,
            "}" | "]" => others = others.saturating_sub(1),
            _ if others == 0 && token.starts_with('"') => {
                let next = tokens.peek().and_then(|next| text.get(next.clone()));
                let is_described = match (parentheses, next) {
                    (0, Some(next)) => matches!(before, "" | "}") && DESCRIBED.contains(&next),
                    (1, Some("$")) => !matches!(before, "=" | ":"),
                    _ => false,
                };
                if is_described && is_string(token) {
                    found.push(place);
                }
            }
            _ => {}
        }
        before = token;
    }
    found
}

/// Returns whether the parser takes this for a string: it reports the ones that are broken.
fn is_string(token: &str) -> bool {
    Syntax::parse(format!("{{a(b:{token})}}"), "description").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_is_left() {
        let table = [
            ("{ a }", "{ a }", 0),
            (r#""A" query { a(b: "c") }"#, r#"query { a(b: "c") }"#, 1),
            (
                "# c\n\"\"\"\n ä \\\"\"\" {\n\"\"\" mutation M { a }\n\"\" fragment F on A { a }",
                "# c\n mutation M { a }\n fragment F on A { a }",
                2,
            ),
            (
                r#"query ("A" $a: B = "b" @c(d: "e") "F" $f: G = {h: "i"}, "J" $j: [K]) @l(m: "n") { o }"#,
                r#"query ( $a: B = "b" @c(d: "e") $f: G = {h: "i"}, $j: [K]) @l(m: "n") { o }"#,
                3,
            ),
        ];
        for (text, expected, count) in table {
            let (blanked, found) = blanked(text);
            assert_eq!(found, count, "{text}");
            assert_eq!(blanked.len(), text.len(), "{text}");
            let words = |text: &str| {
                let words = text.split_whitespace();
                words.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(words(&blanked), words(expected));
        }
    }

    #[test]
    fn what_is_no_description_stays() {
        for text in [
            r#""A" { a }"#,
            r#""A""#,
            r#""A" "B" query { a }"#,
            r#"query "A" query { a }"#,
            r#"query { a } query Q "A" { a }"#,
            r#""A" type B { c: D }"#,
            r#""\q" query { a }"#,
            "\"A\n query { a }",
            r#"{ a(b: "c" $d: e) }"#,
            r#"{ a(b: ["c" $d]) }"#,
            r#"query ($a: B = "c" $d: E) { a }"#,
            r#"query ("A") { a }"#,
        ] {
            assert_eq!(blanked(text), (text.into(), 0));
        }
    }
}
