//! Text that people write: names and other single lines, and texts of several lines. A line contains something visible, and no
//! character that changes how the text after it is displayed. In texts every line ends with a line feed, however it was sent,
//! and tabs are kept.

use std::borrow::Cow;

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

use super::Flaw;

/// Returns a line without surrounding blanks: 1 to `most` characters, of which at least one is visible.
///
/// # Errors
/// Returns the flaw of the text.
pub(crate) fn line(text: &str, most: usize) -> Result<String, Flaw> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        let message = format!("must have 1 to {most} characters");
        return Err(Flaw::new("length", message));
    }
    if text.chars().any(|c| c.is_control() || is_line_end(c)) {
        return Err(Flaw::new(
            "characters",
            "must not contain control characters",
        ));
    }
    if text.chars().any(is_directional) {
        let message = "must not contain characters that change the direction of what follows";
        return Err(Flaw::new("characters", message));
    }
    if !text.chars().any(is_visible) {
        let message = "must contain a character that can be seen";
        return Err(Flaw::new("characters", message));
    }
    Ok(text.to_owned())
}

/// Returns the name of a person or a company: a line of at most 200 characters.
///
/// # Errors
/// Returns the flaw of the text.
pub(crate) fn name(text: &str) -> Result<String, Flaw> {
    line(text, 200)
}

/// Returns a telephone number: digits, and the separators that people put between them. Whether the number exists is not
/// checked.
///
/// # Errors
/// Returns the flaw of the text.
pub(crate) fn phone(text: &str) -> Result<String, Flaw> {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_allowed = |c: char| c.is_ascii_digit() || "+-()./ ".contains(c);
    if !(3..=20).contains(&digits) || text.len() > 40 || !text.chars().all(is_allowed) {
        return Err(Flaw::new(
            "phone",
            "must be a telephone number: 3 to 20 digits, with + - ( ) . / and spaces between them",
        ));
    }
    Ok(text.to_owned())
}

/// Returns a text of any number of lines, which may be empty, of at most `most` characters.
///
/// # Errors
/// Returns the flaw of the text.
pub(crate) fn lines(text: &str, most: usize) -> Result<String, Flaw> {
    let text = with_line_feeds(text);
    if text.chars().count() > most {
        let message = format!("must have at most {most} characters");
        return Err(Flaw::new("length", message));
    }
    check_lines(&text)?;
    Ok(text.into_owned())
}

/// Does the same for a text that must contain something visible.
///
/// # Errors
/// Returns the flaw of the text; `expected` says what its length must be.
pub(crate) fn lines_to_see(
    text: &str,
    most: usize,
    expected: &'static str,
) -> Result<String, Flaw> {
    let text = with_line_feeds(text);
    if text.chars().count() > most || text.trim().is_empty() {
        return Err(Flaw::new("length", expected));
    }
    check_lines(&text)?;
    if !text.chars().any(is_visible) {
        return Err(Flaw::new("length", expected));
    }
    Ok(text.into_owned())
}

fn with_line_feeds(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n").into(),
        false => text.into(),
    }
}

fn check_lines(text: &str) -> Result<(), Flaw> {
    let is_allowed = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(is_allowed) {
        return Ok(());
    }
    let message = "must not contain control characters other than line breaks and tabs";
    Err(Flaw::new("characters", message))
}

/// Checks for LINE SEPARATOR and PARAGRAPH SEPARATOR.
fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Checks for embeddings, overrides and isolates of the bidirectional algorithm. Marks are allowed: they change nothing after
/// them.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns whether a character is visible by itself. Fillers are letters by their category, and combining marks need a base.
fn is_visible(c: char) -> bool {
    // BRAILLE PATTERN BLANK has the category of a symbol.
    if c.is_whitespace() || c == '\u{2800}' {
        return false;
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_shown = !GeneralCategoryGroup::Mark
        .union(GeneralCategoryGroup::Separator)
        .union(GeneralCategoryGroup::Other)
        .contains(category)
        || category == GeneralCategory::PrivateUse;
    is_shown && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<&'static str> {
        line(text, 200).err().map(|flaw| flaw.code)
    }

    #[test]
    fn a_line_has_something_to_see() {
        for name in [
            "Ada",
            "李",
            "محمد",
            "\u{200f}محمد",
            "नेहा",
            "👩\u{200d}🚀",
            "🇩🇪",
            "—",
            "A\u{301}",
            "Zero\u{200b}width",
        ] {
            assert_eq!(code(name), None, "{name:?}");
        }
        for name in [
            "\u{200b}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{115f}\u{1160}",
            "\u{2800}",
            "\u{ad}",
            "\u{feff}",
            "\u{2060}\u{2063}",
            "\u{200e}",
            "\u{301}",
            "\u{e0041}",
            "\u{fe0f}",
            "\u{61c}",
            "\u{200d} \u{200d}",
            "\u{180e}",
            "\u{fff9}",
            "\u{378}",
        ] {
            assert_eq!(code(name), Some("characters"), "{name:?}");
        }
        for name in ["", " \u{3000}\u{a0}\n"] {
            assert_eq!(code(name), Some("length"), "{name:?}");
        }
    }

    #[test]
    fn a_line_steers_nothing() {
        for name in [
            "\u{202e} evil",
            "a\u{202a}b",
            "a\u{2066}b",
            "a\u{2069}",
            "a\u{2028}b",
            "a\tb",
            "a\nb",
            "a\r\nb",
            "a\u{85}b",
            "a\0b",
            "a\u{7f}b",
        ] {
            assert_eq!(code(name), Some("characters"), "{name:?}");
        }
    }

    #[test]
    fn lines_end_with_a_line_feed() {
        assert_eq!(lines("a\r\nb\rc\n\td", 20).as_deref(), Ok("a\nb\nc\n\td"));
        assert_eq!(lines("", 20).as_deref(), Ok(""));
        assert_eq!(
            lines("\r\n\r\n", 2).as_deref(),
            Ok("\n\n"),
            "counted as it is stored"
        );
        assert_eq!(lines("a\u{7}", 20).expect_err("a bell").code, "characters");
        assert_eq!(lines("abc", 2).expect_err("long").code, "length");
        let to_see = |text: &str| lines_to_see(text, 20, "must say something");
        assert_eq!(to_see("a\r\n b\r\n").as_deref(), Ok("a\n b\n"));
        for blank in [" \n\t ", "\u{200b}\n\u{3164}", ""] {
            assert_eq!(
                to_see(blank).expect_err("blank").code,
                "length",
                "{blank:?}"
            );
        }
    }
}
