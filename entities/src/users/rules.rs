//! What makes input for a user valid, without I/O. Names and addresses are trimmed first; lengths are in characters. A
//! password is taken as it is.

use validator::{Validate, ValidateEmail, ValidationError};

use super::{Register, Secret, UpdateProfile};
use crate::Violations;

/// RFC 5321, 4.5.3.1.3, less the angle brackets.
const EMAIL_CHARS: usize = 254;
/// Longer ones are nobody's, in whatever form they are written.
const EMAIL_BYTES: usize = 1_024;
/// What is longer has too many characters in any form.
const PASSWORD_BYTES: usize = 4_096;
const NAME_CHARS: usize = 100;
const BIO_CHARS: usize = 1_000;
/// NIST SP 800-63B: at least 8 and no rules about kinds of characters; the upper limit bounds the work.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// The fields of any input that rules speak about.
#[derive(Validate, Default)]
struct Checked<'a> {
    #[validate(custom(function = "check_email"))]
    email: Option<&'a str>,
    #[validate(custom(function = "check_name"))]
    name: Option<&'a str>,
    #[validate(custom(function = "check_bio"))]
    bio: Option<&'a str>,
    #[validate(custom(function = "check_password"))]
    password: Option<&'a str>,
}

pub(super) fn check_new(mut input: Register) -> Result<Register, Violations> {
    input.email = input.email.trim().to_owned();
    input.name = input.name.trim().to_owned();
    Checked {
        email: Some(&input.email),
        name: Some(&input.name),
        password: Some(input.password.reveal()),
        ..Checked::default()
    }
    .validate()?;
    Ok(input)
}

pub(super) fn check_profile(mut input: UpdateProfile) -> Result<UpdateProfile, Violations> {
    input.name = input.name.map(|name| name.trim().to_owned());
    input.bio = input.bio.map(|bio| bio.map(|bio| bio.trim().to_owned()));
    Checked {
        name: input.name.as_deref(),
        bio: input.bio.as_ref().and_then(Option::as_deref),
        ..Checked::default()
    }
    .validate()?;
    Ok(input)
}

pub(super) fn check_new_password(password: &Secret) -> Result<(), Violations> {
    check_password(password.reveal()).map_err(|error| {
        let message = error.message.unwrap_or_default();
        Violations::one("newPassword", &error.code, &message)
    })
}

/// Bounds on what is looked up and hashed; whether it is right is another matter.
pub(super) fn check_credentials(email: &str, password: &Secret) -> Result<(), Violations> {
    if email.len() > EMAIL_BYTES {
        return Err(Violations::one("email", "length", "is too long"));
    }
    check_guess("password", password)
}

/// The same of a password alone.
pub(super) fn check_guess(field: &str, password: &Secret) -> Result<(), Violations> {
    if password.reveal().len() > PASSWORD_BYTES {
        return Err(Violations::one(field, "length", "is too long"));
    }
    Ok(())
}

fn violation(code: &'static str, message: &'static str) -> ValidationError {
    ValidationError::new(code).with_message(message.into())
}

fn check_email(email: &str) -> Result<(), ValidationError> {
    if email.chars().count() > EMAIL_CHARS {
        return Err(violation("length", "must have at most 254 characters"));
    }
    if !email.validate_email() {
        return Err(violation(
            "email",
            "must be an email address, such as ada@example.com",
        ));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), ValidationError> {
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(violation("length", "must have 1 to 100 characters"));
    }
    if name.chars().any(char::is_control) {
        return Err(violation(
            "characters",
            "must not contain control characters",
        ));
    }
    Ok(())
}

fn check_bio(bio: &str) -> Result<(), ValidationError> {
    if bio.chars().count() > BIO_CHARS {
        return Err(violation("length", "must have at most 1000 characters"));
    }
    if bio.chars().any(|c| c.is_control() && c != '\n') {
        return Err(violation(
            "characters",
            "must not contain control characters other than line feeds",
        ));
    }
    Ok(())
}

fn check_password(password: &str) -> Result<(), ValidationError> {
    if PASSWORD_CHARS.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(violation("length", "must have 8 to 128 characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_listed_once() {
        let violated = |email: &str, name: &str, password: &str| {
            let input = Register {
                email: email.to_owned(),
                name: name.to_owned(),
                password: Secret::new(password),
            };
            match check_new(input) {
                Ok(_) => Vec::new(),
                Err(Violations(list)) => list
                    .into_iter()
                    .map(|violation| format!("{}:{}", violation.field, violation.code))
                    .collect(),
            }
        };
        assert_eq!(violated(" ada@example.com ", " Ada ", "12345678"), [""; 0]);
        assert_eq!(
            violated("ada", " ", "1234567"),
            ["email:email", "name:length", "password:length"]
        );
        assert_eq!(
            violated("a@b.co", "a\0b", &"é".repeat(129)),
            ["name:characters", "password:length"]
        );
    }
}
