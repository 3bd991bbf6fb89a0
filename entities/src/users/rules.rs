//! The rules of input for users, without I/O. Names, addresses and texts are first brought into the form in which they are
//! stored; lengths are in characters. The length of a password is that of its normal form (NFC), which is hashed.

use super::{Register, Secret, UpdateProfile};
use crate::{
    Violations,
    text::{self, Fields, Flaw, email, written},
};

/// No stored address is longer than this, in any spelling.
const EMAIL_BYTES: usize = 1_024;
/// A longer password has too many characters in any form.
const PASSWORD_BYTES: usize = 4_096;
const NAME_CHARS: usize = 100;
const BIO_CHARS: usize = 1_000;
/// NIST SP 800-63B: at least 8 characters and no rules about their kinds; the upper limit bounds the work.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;

pub(super) fn check_new(mut input: Register) -> Result<Register, Violations> {
    let mut fields = Fields::default();
    fields.rule("email", &mut input.email, email::checked);
    fields.rule("name", &mut input.name, name);
    fields.check("password", check_password(&input.password));
    fields.end()?;
    Ok(input)
}

pub(super) fn check_profile(mut input: UpdateProfile) -> Result<UpdateProfile, Violations> {
    let mut fields = Fields::default();
    fields.rule("name", &mut input.name, name);
    let bio = |bio: &str| written::lines(bio.trim(), BIO_CHARS);
    fields.rule("bio", &mut input.bio, bio);
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

/// Checks the length of credentials before they are looked up and hashed; whether they are right is decided later.
pub(super) fn check_credentials(email: &str, password: &Secret) -> Result<(), Violations> {
    if email.len() > EMAIL_BYTES {
        return Err(Violations::one("email", "length", "is too long"));
    }
    check_guess("password", password)
}

/// Does the same for a password alone.
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
            check_new(input).err().map_or(Vec::new(), Violations::codes)
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
