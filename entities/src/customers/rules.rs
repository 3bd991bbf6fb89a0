//! What makes input for a customer valid, without I/O. Names and addresses are trimmed first; lengths are in characters.

use validator::{Validate, ValidateEmail, ValidationError};

use super::{CreateCustomer, UpdateCustomer};
use crate::Violations;

const NAME_CHARS: usize = 200;
/// RFC 5321, 4.5.3.1.3, less the angle brackets.
const EMAIL_CHARS: usize = 254;

/// The fields of either input that rules speak about.
#[derive(Validate)]
struct Checked<'a> {
    #[validate(custom(function = "check_name"))]
    name: Option<&'a str>,
    #[validate(custom(function = "check_email"))]
    email: Option<&'a str>,
    #[validate(custom(function = "check_phone"))]
    phone: Option<&'a str>,
}

pub(super) fn check_new(mut input: CreateCustomer) -> Result<CreateCustomer, Violations> {
    input.name = input.name.trim().to_owned();
    input.email = input.email.trim().to_owned();
    input.phone = input.phone.map(|phone| phone.trim().to_owned());
    Checked {
        name: Some(&input.name),
        email: Some(&input.email),
        phone: input.phone.as_deref(),
    }
    .validate()?;
    Ok(input)
}

pub(super) fn check_update(mut input: UpdateCustomer) -> Result<UpdateCustomer, Violations> {
    input.name = input.name.map(|name| name.trim().to_owned());
    input.email = input.email.map(|email| email.trim().to_owned());
    input.phone = input
        .phone
        .map(|phone| phone.map(|phone| phone.trim().to_owned()));
    Checked {
        name: input.name.as_deref(),
        email: input.email.as_deref(),
        phone: input.phone.as_ref().and_then(Option::as_deref),
    }
    .validate()?;
    Ok(input)
}

fn violation(code: &'static str, message: &'static str) -> ValidationError {
    ValidationError::new(code).with_message(message.into())
}

fn check_name(name: &str) -> Result<(), ValidationError> {
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(violation("length", "must have 1 to 200 characters"));
    }
    if name.chars().any(char::is_control) {
        return Err(violation(
            "characters",
            "must not contain control characters",
        ));
    }
    Ok(())
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

/// Digits and what people put between them. Whether a number exists is not for us to say.
fn check_phone(phone: &str) -> Result<(), ValidationError> {
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    let is_allowed = |c: char| c.is_ascii_digit() || "+-()./ ".contains(c);
    if !(3..=20).contains(&digits) || phone.len() > 40 || !phone.chars().all(is_allowed) {
        return Err(violation(
            "phone",
            "must be a telephone number: 3 to 20 digits, with + - ( ) . / and spaces between them",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::CustomerStatus;

    fn violated(name: &str, email: &str, phone: Option<&str>) -> Vec<String> {
        let input = CreateCustomer {
            name: name.to_owned(),
            email: email.to_owned(),
            phone: phone.map(str::to_owned),
            status: CustomerStatus::Prospect,
        };
        match check_new(input) {
            Ok(_) => Vec::new(),
            Err(Violations(list)) => list
                .into_iter()
                .map(|violation| format!("{}:{}", violation.field, violation.code))
                .collect(),
        }
    }

    #[test]
    fn every_wrong_field_is_listed_once() {
        assert!(violated(" Ada ", " ada@example.com ", Some("+44 (20) 7946-0000")).is_empty());
        assert_eq!(
            violated("  ", "ada", Some("call me")),
            ["email:email", "name:length", "phone:phone"]
        );
        assert_eq!(violated("a\u{7}b", "a@b.co", None), ["name:characters"]);
        assert_eq!(violated(&"é".repeat(200), "a@b.co", None), [""; 0]);
        assert_eq!(violated(&"é".repeat(201), "a@b.co", None), ["name:length"]);
        let long = format!("{}@example.com", "a".repeat(250));
        assert_eq!(violated("Ada", &long, None), ["email:length"]);
    }
}
