//! What makes input for a student valid, without I/O. Texts are trimmed first; lengths are in characters.

use std::borrow::Cow;

use validator::{Validate, ValidateEmail, ValidationError};

use super::{CreateStudent, UpdateStudent};
use crate::Violations;

const NAME_CHARS: usize = 200;
/// RFC 5321, 4.5.3.1.3, less the angle brackets.
const EMAIL_CHARS: usize = 254;
const NUMBER_CHARS: usize = 32;
const COURSE_CHARS: usize = 120;
const LAST_YEAR: i32 = 20;

/// The fields of either input that rules speak about.
#[derive(Validate)]
struct Checked<'a> {
    #[validate(custom(function = "check_name"))]
    name: Option<&'a str>,
    #[validate(custom(function = "check_email"))]
    email: Option<&'a str>,
    // The name of the field in the API.
    #[validate(custom(function = "check_number"))]
    student_number: Option<&'a str>,
    #[validate(custom(function = "check_course"))]
    course: Option<&'a str>,
    #[validate(custom(function = "check_year"))]
    year: Option<i32>,
}

impl Checked<'_> {
    fn check(&self) -> Result<(), Violations> {
        self.validate().map_err(|errors| {
            let mut violations = Violations::from(errors);
            for violation in &mut violations.0 {
                if violation.field == "student_number" {
                    violation.field = "studentNumber".to_owned();
                }
            }
            violations
        })
    }
}

pub(super) fn check_new(mut input: CreateStudent) -> Result<CreateStudent, Violations> {
    for text in [&mut input.name, &mut input.email, &mut input.course] {
        trim(text);
    }
    if let Some(number) = &mut input.student_number {
        trim(number);
    }
    Checked {
        name: Some(&input.name),
        email: Some(&input.email),
        student_number: input.student_number.as_deref(),
        course: Some(&input.course),
        year: Some(input.year),
    }
    .check()?;
    Ok(input)
}

pub(super) fn check_update(mut input: UpdateStudent) -> Result<UpdateStudent, Violations> {
    let number = input.student_number.as_mut().and_then(Option::as_mut);
    let texts = [&mut input.name, &mut input.email, &mut input.course];
    for text in texts.into_iter().filter_map(Option::as_mut).chain(number) {
        trim(text);
    }
    Checked {
        name: input.name.as_deref(),
        email: input.email.as_deref(),
        student_number: input.student_number.as_ref().and_then(Option::as_deref),
        course: input.course.as_deref(),
        year: input.year,
    }
    .check()?;
    Ok(input)
}

fn trim(text: &mut String) {
    let trimmed = text.trim();
    if trimmed.len() < text.len() {
        *text = trimmed.to_owned();
    }
}

fn violation(code: &'static str, message: impl Into<Cow<'static, str>>) -> ValidationError {
    ValidationError::new(code).with_message(message.into())
}

fn check_text(text: &str, most: usize) -> Result<(), ValidationError> {
    if text.is_empty() || text.chars().count() > most {
        let message = format!("must have 1 to {most} characters");
        return Err(violation("length", message));
    }
    if text.chars().any(char::is_control) {
        let message = "must not contain control characters";
        return Err(violation("characters", message));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), ValidationError> {
    check_text(name, NAME_CHARS)
}

fn check_course(course: &str) -> Result<(), ValidationError> {
    check_text(course, COURSE_CHARS)
}

fn check_email(email: &str) -> Result<(), ValidationError> {
    if email.chars().count() > EMAIL_CHARS {
        return Err(violation("length", "must have at most 254 characters"));
    }
    if !email.validate_email() {
        let message = "must be an email address, such as ada@example.com";
        return Err(violation("email", message));
    }
    Ok(())
}

/// As schools write them: letters and digits of any script, and what stands between them.
fn check_number(number: &str) -> Result<(), ValidationError> {
    let is_allowed = |c: char| c.is_alphanumeric() || "-/._ ".contains(c);
    if number.is_empty() || number.chars().count() > NUMBER_CHARS {
        return Err(violation("length", "must have 1 to 32 characters"));
    }
    if !number.chars().all(is_allowed) {
        let message = "must have letters, digits and - / . _ and spaces only";
        return Err(violation("characters", message));
    }
    Ok(())
}

fn check_year(year: i32) -> Result<(), ValidationError> {
    match (1..=LAST_YEAR).contains(&year) {
        true => Ok(()),
        false => Err(violation("range", "must be from 1 to 20")),
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
