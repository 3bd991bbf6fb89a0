//! What makes input for a student valid, without I/O. Texts are put in the form in which they are stored first; lengths are in
//! characters.

use super::{CreateStudent, UpdateStudent};
use crate::{
    Violations,
    text::{Fields, Flaw, email, written},
};

const NAME_CHARS: usize = 200;
const NUMBER_CHARS: usize = 32;
const COURSE_CHARS: usize = 120;
const LAST_YEAR: i32 = 20;

pub(super) fn check_new(mut input: CreateStudent) -> Result<CreateStudent, Violations> {
    let mut fields = Fields::default();
    fields.text("name", &mut input.name, name);
    fields.text("email", &mut input.email, email::checked);
    fields.given("studentNumber", input.student_number.as_mut(), number);
    fields.text("course", &mut input.course, course);
    fields.check("year", check_year(input.year));
    fields.end()?;
    Ok(input)
}

pub(super) fn check_update(mut input: UpdateStudent) -> Result<UpdateStudent, Violations> {
    let mut fields = Fields::default();
    fields.given("name", input.name.as_mut(), name);
    fields.given("email", input.email.as_mut(), email::checked);
    let given = input.student_number.as_mut().and_then(Option::as_mut);
    fields.given("studentNumber", given, number);
    fields.given("course", input.course.as_mut(), course);
    fields.check("year", input.year.map_or(Ok(()), check_year));
    fields.end()?;
    Ok(input)
}

fn name(name: &str) -> Result<String, Flaw> {
    written::line(name, NAME_CHARS)
}

fn course(course: &str) -> Result<String, Flaw> {
    written::line(course, COURSE_CHARS)
}

/// As schools write them: letters and digits of any script, and what stands between them.
fn number(number: &str) -> Result<String, Flaw> {
    let is_allowed = |c: char| c.is_alphanumeric() || "-/._ ".contains(c);
    if !number.trim().chars().all(is_allowed) {
        let message = "must have letters, digits and - / . _ and spaces only";
        return Err(Flaw::new("characters", message));
    }
    written::line(number, NUMBER_CHARS)
}

fn check_year(year: i32) -> Result<(), Flaw> {
    match (1..=LAST_YEAR).contains(&year) {
        true => Ok(()),
        false => Err(Flaw::new("range", "must be from 1 to 20")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::students::StudentStatus;

    fn input() -> CreateStudent {
        CreateStudent {
            name: " Ada ".to_owned(),
            email: " ada@example.com ".to_owned(),
            student_number: Some(" 2026/001-a ".to_owned()),
            course: " Mathematics ".to_owned(),
            year: 1,
            status: StudentStatus::Enrolled,
        }
    }

    fn violated(input: CreateStudent) -> Vec<String> {
        match check_new(input) {
            Ok(_) => Vec::new(),
            Err(Violations(list)) => list
                .into_iter()
                .map(|violation| format!("{}:{}", violation.field, violation.code))
                .collect(),
        }
    }

    #[test]
    fn texts_are_trimmed() {
        let checked = check_new(input()).expect("a valid student");
        assert_eq!(checked.name, "Ada");
        assert_eq!(checked.email, "ada@example.com");
        assert_eq!(checked.student_number.as_deref(), Some("2026/001-a"));
        assert_eq!(checked.course, "Mathematics");
    }

    #[test]
    fn every_wrong_field_is_listed_once() {
        let wrong = CreateStudent {
            name: "  ".to_owned(),
            email: "ada".to_owned(),
            student_number: Some("#1".to_owned()),
            course: "c".repeat(121),
            year: 0,
            status: StudentStatus::Enrolled,
        };
        assert_eq!(
            violated(wrong),
            [
                "course:length",
                "email:email",
                "name:length",
                "studentNumber:characters",
                "year:range"
            ]
        );
        let number = |number: &str| CreateStudent {
            student_number: Some(number.to_owned()),
            ..input()
        };
        assert_eq!(violated(number(" ")), ["studentNumber:length"]);
        assert_eq!(violated(number(&"1".repeat(33))), ["studentNumber:length"]);
        assert_eq!(
            violated(CreateStudent {
                year: 21,
                ..input()
            }),
            ["year:range"]
        );
    }
}
