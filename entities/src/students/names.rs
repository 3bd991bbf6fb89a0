//! The names of students, without I/O: the whole name, and the given names and the family name in it. The whole name is what was
//! written; the parts are kept beside it. Called by the commands of students, and wherever a student is shown.
//!
//! Names of before there were parts, and those that a process of an earlier version writes, are split at the last space. The parts
//! count as long as the whole name is made of them: an earlier version changes the name, and passes over the parts. The triggers of
//! migration 0026 split in the same way, so that lists are filtered and sorted by what is shown.

use crate::text::{Fields, Flaw, written};

/// The most characters of a whole name.
const MOST_CHARS: usize = 200;

/// The name of a student as an input gives it: as a whole, or in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudentName {
    /// The whole name; it is split at its last space.
    pub whole: Option<String>,
    /// The given names. `Some(None)` removes them.
    pub given: Option<Option<String>>,
    /// The family name. `Some(None)` removes it.
    pub family: Option<Option<String>>,
}

impl StudentName {
    /// Returns the name of a new student, or of a row of an import. It is all of the name: a part that is left out beside the other
    /// is none, and takes nothing over from a name before.
    pub fn new(whole: Option<String>, given: Option<String>, family: Option<String>) -> Self {
        let has_parts = given.is_some() || family.is_some();
        Self {
            whole,
            given: has_parts.then_some(given),
            family: has_parts.then_some(family),
        }
    }

    /// Returns a whole name.
    pub fn of(whole: impl Into<String>) -> Self {
        Self::new(Some(whole.into()), None, None)
    }
}

/// The given names and the family name; one of them may be missing.
pub(super) type Parts<'a> = (Option<&'a str>, Option<&'a str>);

/// Checks the name of an input.
pub(super) fn check(name: &mut StudentName, fields: &mut Fields) {
    let has_parts = name.given.is_some() || name.family.is_some();
    let exclusive = match (&name.whole, has_parts) {
        (Some(_), true) => Err(Flaw::new(
            "exclusive",
            "must not be given beside givenName or familyName",
        )),
        (None, false) => Err(Flaw::new(
            "required",
            "must be given, or else givenName or familyName",
        )),
        _ => Ok(()),
    };
    fields.check("name", exclusive);
    fields.rule("name", &mut name.whole, written::name);
    fields.rule("givenName", &mut name.given, written::name);
    fields.rule("familyName", &mut name.family, written::name);
    if let (Some(Some(given)), Some(Some(family))) = (&name.given, &name.family) {
        let whole = join((Some(given), Some(family)));
        fields.check("name", check_length(&whole));
    }
}

/// Checks a whole name that was made of parts, of which an update may give one.
pub(super) fn check_length(name: &str) -> Result<(), Flaw> {
    match (1..=MOST_CHARS).contains(&name.chars().count()) {
        true => Ok(()),
        false => {
            let message = format!("must have 1 to {MOST_CHARS} characters, with both of its parts");
            Err(Flaw::new("length", message))
        }
    }
}

/// Returns the whole name of these parts.
pub(super) fn join((given, family): Parts<'_>) -> String {
    let parts: Vec<_> = given.into_iter().chain(family).collect();
    parts.join(" ")
}

/// Returns the parts of a name: the stored ones, if the name is made of them.
pub(super) fn parts<'a>(name: &'a str, (given, family): Parts<'a>) -> Parts<'a> {
    let is_joined = match (given, family) {
        (Some(given), Some(family)) => {
            let behind = name.strip_prefix(given);
            behind.and_then(|it| it.strip_prefix(' ')) == Some(family)
        }
        (given, family) => given.or(family) == Some(name),
    };
    match is_joined {
        true => (given, family),
        false => split(name),
    }
}

/// Splits a name at its last space. One without a space is a given name.
fn split(name: &str) -> Parts<'_> {
    let parts = name.rsplit_once(' ');
    let parts = parts.map(|(given, family)| (given.trim_end_matches(' '), family));
    match parts {
        Some((given, family)) if !given.is_empty() && !family.is_empty() => {
            (Some(given), Some(family))
        }
        _ => (Some(name), None),
    }
}

/// Returns what lists are sorted by: the family name, and the given names where it is the same. No part contains a line feed, which
/// comes before all that they contain.
pub(super) fn key((given, family): Parts<'_>) -> String {
    match family {
        Some(family) => format!("{family}\n{}", given.unwrap_or_default()),
        None => given.unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violated(mut name: StudentName) -> Vec<(String, String)> {
        let mut fields = Fields::default();
        check(&mut name, &mut fields);
        let violations = fields.end().err().map_or_else(Vec::new, |it| it.0);
        violations
            .into_iter()
            .map(|it| (it.field, it.code))
            .collect()
    }

    #[test]
    fn a_name_is_split_at_its_last_space() {
        for (name, given, family) in [
            ("Ada Lovelace", "Ada", Some("Lovelace")),
            ("Grace Brewster Hopper", "Grace Brewster", Some("Hopper")),
            ("Ada  Lovelace", "Ada", Some("Lovelace")),
            ("Plato", "Plato", None),
            ("李 小龙", "李", Some("小龙")),
            (" Ada", " Ada", None),
        ] {
            assert_eq!(split(name), (Some(given), family), "{name:?}");
        }
    }

    #[test]
    fn parts_count_while_the_name_is_made_of_them() {
        let stored = (Some("Ludwig"), Some("van Beethoven"));
        assert_eq!(parts("Ludwig van Beethoven", stored), stored);
        let split = (Some("Ludwig van"), Some("Beethoven"));
        assert_eq!(parts("Ludwig van Beethoven", (None, None)), split);
        let other = (Some("Ada"), Some("Lovelace"));
        assert_eq!(parts("Ada Lovelace", stored), other);
        assert_eq!(
            parts("Adele", (Some("A"), Some("dele"))),
            (Some("Adele"), None)
        );
        let family_alone = (None, Some("van Beethoven"));
        assert_eq!(parts("van Beethoven", family_alone), family_alone);
        for parts in [stored, split, family_alone, (Some("Plato"), None)] {
            assert_eq!(super::parts(&join(parts), parts), parts);
        }
    }

    #[test]
    fn a_new_name_keeps_no_part_of_another() {
        let some = |text: &str| Some(text.to_owned());
        let new = |given, family| {
            let name = StudentName::new(None, given, family);
            (name.given, name.family)
        };
        let family_alone = (Some(None), Some(some("Lovelace")));
        assert_eq!(new(None, some("Lovelace")), family_alone);
        assert_eq!(new(some("Plato"), None), (Some(some("Plato")), Some(None)));
        let whole = StudentName::of("Ada Lovelace");
        assert_eq!((whole.given, whole.family), (None, None));
    }

    #[test]
    fn a_name_is_given_in_one_way() {
        let some = |text: &str| Some(text.to_owned());
        let new = StudentName::new;
        assert_eq!(violated(new(some("Ada Lovelace"), None, None)), []);
        assert_eq!(violated(new(None, some("Ada"), some("Lovelace"))), []);
        assert_eq!(violated(new(None, None, some("Lovelace"))), []);
        let told = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
        assert_eq!(violated(StudentName::default()), told("name", "required"));
        let both = new(some("Ada"), some("Ada"), None);
        assert_eq!(violated(both), told("name", "exclusive"));
        let blank = new(None, some(" "), some("Lovelace"));
        assert_eq!(violated(blank), told("givenName", "length"));
        let half = "a".repeat(100);
        let long = new(None, some(&half), some(&half));
        assert_eq!(violated(long), told("name", "length"));
    }
}
