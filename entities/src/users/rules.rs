//! What makes input for a user valid, without I/O. Names, addresses and texts are put in the form in which they are stored
//! first; lengths are in characters. Of a password its normal form (NFC) is counted, as that is what is hashed.

use super::{Register, Secret, UpdateProfile};
use crate::{
    Violations,
    text::{self, Fields, Flaw, email, written},
};

/// Longer ones are nobody's, in whatever form they are written.
const EMAIL_BYTES: usize = 1_024;
/// What is longer has too many characters in any form.
const PASSWORD_BYTES: usize = 4_096;
const NAME_CHARS: usize = 100;
const BIO_CHARS: usize = 1_000;
/// NIST SP 800-63B: at least 8 and no rules about kinds of characters; the upper limit bounds the work.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;

pub(super) fn check_new(mut input: Register) -> Result<Register, Violations> {
    let mut fields = Fields::default();
    fields.text("email", &mut input.email, email::checked);
    fields.text("name", &mut input.name, name);
    fields.check("password", check_password(&input.password));
    fields.end()?;
    Ok(input)
}

pub(super) fn check_profile(mut input: UpdateProfile) -> Result<UpdateProfile, Violations> {
    let mut fields = Fields::default();
    fields.given("name", input.name.as_mut(), name);
    let given = input.bio.as_mut().and_then(Option::as_mut);
    fields.given("bio", given, |bio| written::lines(bio.trim(), BIO_CHARS));
    fields.end()?;
    Ok(input)
}

pub(super) fn check_new_password(password: &Secret) -> Result<(), Violations> {
    let mut fields = Fields::default();
    fields.check("newPassword", check_password(password));
    fields.end()
}

fn name(name: &str) -> Result<String, Flaw> {
    written::line(name, NAME_CHARS)
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

fn check_password(password: &Secret) -> Result<(), Flaw> {
    let text = password.reveal();
    let is_short = text.len() <= PASSWORD_BYTES;
    if is_short && PASSWORD_CHARS.contains(&text::nfc(text).chars().count()) {
        return Ok(());
    }
    Err(Flaw::new("length", "must have 8 to 128 characters"))
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
