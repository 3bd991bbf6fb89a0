//! What makes input for a customer valid, without I/O. Names and addresses are put in the form in which they are stored first;
//! lengths are in characters.

use super::{CreateCustomer, UpdateCustomer};
use crate::{
    Violations,
    text::{Fields, Flaw, email, written},
};

const NAME_CHARS: usize = 200;

pub(super) fn check_new(mut input: CreateCustomer) -> Result<CreateCustomer, Violations> {
    let mut fields = Fields::default();
    fields.text("name", &mut input.name, name);
    fields.text("email", &mut input.email, email::checked);
    fields.given("phone", input.phone.as_mut(), phone);
    fields.end()?;
    Ok(input)
}

pub(super) fn check_update(mut input: UpdateCustomer) -> Result<UpdateCustomer, Violations> {
    let mut fields = Fields::default();
    fields.given("name", input.name.as_mut(), name);
    fields.given("email", input.email.as_mut(), email::checked);
    let given = input.phone.as_mut().and_then(Option::as_mut);
    fields.given("phone", given, phone);
    fields.end()?;
    Ok(input)
}

fn name(name: &str) -> Result<String, Flaw> {
    written::line(name, NAME_CHARS)
}

/// Digits and what people put between them. Whether a number exists is not for us to say.
fn phone(phone: &str) -> Result<String, Flaw> {
    let phone = phone.trim();
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    let is_allowed = |c: char| c.is_ascii_digit() || "+-()./ ".contains(c);
    if !(3..=20).contains(&digits) || phone.len() > 40 || !phone.chars().all(is_allowed) {
        return Err(Flaw::new(
            "phone",
            "must be a telephone number: 3 to 20 digits, with + - ( ) . / and spaces between them",
        ));
    }
    Ok(phone.to_owned())
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
