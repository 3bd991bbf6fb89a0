//! The rules of input for users, without I/O. Names, addresses and texts are first brought into the form in which they are
//! stored; lengths are in characters. The length of a password is that of its normal form (NFC), which is hashed.

use super::{Register, Secret, UpdateProfile, user::ERASED_DOMAIN};
use crate::{
    Violations,
    text::{self, Fields, Flaw, email, written},
};

/// No stored address is longer than this, in any spelling.
const EMAIL_BYTES: usize = 1_024;
/// A longer password has too many characters in any form.
const PASSWORD_BYTES: usize = 4_096;
const NAME_CHARS: usize = 100;
const USERNAME_CHARS: std::ops::RangeInclusive<usize> = 3..=30;
const BIO_CHARS: usize = 1_000;
/// NIST SP 800-63B: at least 8 characters and no rules about their kinds; the upper limit bounds the work.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;
/// The estimate looks at so many characters; what is longer is not found by guessing.
const ESTIMATED_CHARS: usize = 64;
/// The digits and marks that the estimate takes for a letter, by letter: a, b, c, e, g, i, l, o, s, t, x and z.
const LETTERS: [&str; 12] = [
    "4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2",
];
/// It reads a password in every way in which its digits and marks may be letters. There are thousands of ways when a password has them all,
/// and each takes about a millisecond.
const MOST_READINGS: usize = 32;

pub(super) fn check_new(mut input: Register) -> Result<Register, Violations> {
    let mut fields = Fields::default();
    fields.rule("email", &mut input.email, address);
    fields.rule("name", &mut input.name, name);
    fields.rule("username", &mut input.username, username);
    let mut known = vec![&*input.email, &*input.name];
    known.extend(input.username.as_deref());
    fields.check("password", check_password(&input.password, &known));
    fields.end()?;
    Ok(input)
}

pub(super) fn check_profile(mut input: UpdateProfile) -> Result<UpdateProfile, Violations> {
    let mut fields = Fields::default();
    fields.rule("name", &mut input.name, name);
    fields.rule("username", &mut input.username, username);
    let bio = |bio: &str| written::lines(bio.trim(), BIO_CHARS);
    fields.rule("bio", &mut input.bio, bio);
    fields.end()?;
    Ok(input)
}

/// Checks a new password of a user of whom everybody knows these texts.
pub(super) fn check_new_password(password: &Secret, known: &[&str]) -> Result<(), Violations> {
    let mut fields = Fields::default();
    fields.check("newPassword", check_password(password, known));
    fields.end()
}

/// Returns the address as it is stored. Those that erasure gives belong to nobody: who had one of them could keep the user of that
/// id from being erased.
fn address(text: &str) -> Result<String, Flaw> {
    let address = email::checked(text)?;
    match address.rsplit_once('@') {
        Some((_, domain)) if domain.eq_ignore_ascii_case(ERASED_DOMAIN) => Err(Flaw::new(
            "email",
            "must not be at erased.invalid, where nobody is",
        )),
        _ => Ok(address),
    }
}

fn name(name: &str) -> Result<String, Flaw> {
    written::line(name, NAME_CHARS)
}

/// Returns a username as it is stored: in lower case.
fn username(text: &str) -> Result<String, Flaw> {
    let name = username_form(text);
    if !USERNAME_CHARS.contains(&name.chars().count()) {
        return Err(Flaw::new("length", "must have 3 to 30 characters"));
    }
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(is_allowed)
    {
        true => Ok(name),
        false => Err(Flaw::new(
            "characters",
            "must have only letters from a to z, digits and underscores, and begin with a letter",
        )),
    }
}

/// Returns a username in the form in which it is compared.
pub(super) fn username_form(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

/// Checks the length of credentials before they are looked up and hashed; whether they are right is decided later.
pub(super) fn check_credentials(email: &str, password: &Secret) -> Result<(), Violations> {
    check_address(email)?;
    check_guess("password", password)
}

/// Checks the length of an address before it is looked up.
pub(super) fn check_address(email: &str) -> Result<(), Violations> {
    match email.len() > EMAIL_BYTES {
        true => Err(Violations::one("email", "length", "is too long")),
        false => Ok(()),
    }
}

/// Does the same for a password alone.
pub(super) fn check_guess(field: &str, password: &Secret) -> Result<(), Violations> {
    if password.reveal().len() > PASSWORD_BYTES {
        return Err(Violations::one(field, "length", "is too long"));
    }
    Ok(())
}

fn check_password(password: &Secret, known: &[&str]) -> Result<(), Flaw> {
    let text = password.reveal();
    let is_short = text.len() <= PASSWORD_BYTES;
    if !is_short || !PASSWORD_CHARS.contains(&text::nfc(text).chars().count()) {
        return Err(Flaw::new("length", "must have 8 to 128 characters"));
    }
    match is_guessable(text, known) {
        true => Err(Flaw::new(
            "guessable",
            "is one of those that are tried first: it is common, or made of your name or address",
        )),
        false => Ok(()),
    }
}

/// Returns whether a guesser who begins with the passwords that most people have, with words, names and dates, finds it within a million
/// attempts. The lists of the estimate come from breaches.
fn is_guessable(password: &str, known: &[&str]) -> bool {
    let beginning: String = password.chars().take(ESTIMATED_CHARS).collect();
    zxcvbn::zxcvbn(&with_few_readings(&beginning), known).score() < zxcvbn::Score::Two
}

/// Returns the password with other characters in place of the marks with which it would have too many readings. Digits alone never have;
/// marks come in the order in which they are there. Who writes words with so many different marks writes what is not tried first.
fn with_few_readings(password: &str) -> String {
    let is_read = |c: &char| LETTERS.iter().any(|marks| marks.contains(*c));
    let (digits, marks): (Vec<char>, Vec<char>) = password
        .chars()
        .filter(is_read)
        .partition(char::is_ascii_digit);
    let mut kept = String::new();
    for mark in digits.into_iter().chain(marks) {
        if !kept.contains(mark) {
            kept.push(mark);
            if readings(&kept) > MOST_READINGS {
                kept.pop();
            }
        }
    }
    // A private character stands for no letter. Equal marks stay equal, and neighbours stay neighbours.
    let other = |c: char| char::from_u32(0xe000 + u32::from(c)).unwrap_or(c);
    let replaced = password
        .chars()
        .map(|c| match is_read(&c) && !kept.contains(c) {
            true => other(c),
            false => c,
        });
    replaced.collect()
}

/// Returns how many ways there are at most to read a password that has these digits and marks.
fn readings(marks: &str) -> usize {
    let of_letter = |letter: &str| marks.chars().filter(|mark| letter.contains(*mark)).count();
    let by_letter = LETTERS.into_iter().map(|letter| of_letter(letter).max(1));
    // One that may be either of two letters doubles them.
    let of_two = marks.chars().filter(|mark| "1|7".contains(*mark)).count();
    by_letter.product::<usize>() << of_two
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_wrong_field_is_listed_once() {
        let violated = |email: &str, name: &str, password: &str| {
            let input = Register {
                email: email.to_owned(),
                name: name.to_owned(),
                username: None,
                password: Secret::new(password),
            };
            check_new(input).err().map_or(Vec::new(), Violations::codes)
        };
        let violations = violated(" ada@example.com ", " Ada ", "knit a blue hat");
        assert_eq!(violations, [""; 0]);
        assert_eq!(
            violated("ada", " ", "1234567"),
            ["email:email", "name:length", "password:length"]
        );
        assert_eq!(
            violated("a@b.co", "a\0b", &"é".repeat(129)),
            ["name:characters", "password:length"]
        );
        let erased = crate::users::user::no_address(uuid::Uuid::nil());
        for refused in [&*erased, "a@Erased.INVALID", "a@erased\u{ad}.invalid"] {
            assert_eq!(violated(refused, "Ada", "knit a blue hat"), ["email:email"]);
        }
    }

    #[test]
    fn usernames_are_in_lower_case() {
        for (written, stored) in [("ada", "ada"), (" Ada_L ", "ada_l"), ("a12", "a12")] {
            assert_eq!(username(written).as_deref(), Ok(stored), "{written:?}");
        }
        let code = |name: &str| username(name).expect_err(name).code;
        for name in ["", "ab", &"a".repeat(31), &"a".repeat(1 << 20)] {
            assert_eq!(code(name), "length");
        }
        // The sign for kelvin has the letter k as its lower case.
        for name in [
            "1ada",
            "_ada",
            "a-da",
            "a.da",
            "ada l",
            "adé",
            "\u{212a}elvin",
            "ada\0",
        ] {
            assert_eq!(code(name), "characters", "{name:?}");
        }
    }

    #[test]
    fn passwords_that_are_tried_first_are_refused() {
        let check = |password: &str| {
            let known = ["grace.hopper@example.com", "Grace Hopper"];
            check_password(&Secret::new(password), &known)
        };
        for guessable in [
            "password",
            "12345678",
            "qwertyuiop",
            "P@ssw0rd1",
            "iloveyou1",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "gracehopper",
            "hopper2024",
        ] {
            assert!(check(guessable).is_err(), "{guessable}");
        }
        for fine in [
            "knit a blue hat",
            "correct horse",
            "a long password",
            "a ship in port is safe",
            "gzJ4-w0Vq",
            "Zo\u{eb} trinkt Tee",
            // As long as may be.
            "Wer früh aufsteht, hört die Vögel über den Dächern singen und sieht, wie die Bäume grün werden, während die anderen \
             noch träumen",
        ] {
            assert!(check(fine).is_ok(), "{fine}");
        }
        // Whatever is sent, the estimate takes no longer than a hash.
        let began = std::time::Instant::now();
        assert!(check(&"p4ssw0rd".repeat(16)).is_err());
        let _ = check(&"a1!B".repeat(32));
        assert!(check(&"4@8({[<3691!|70$5+%2".repeat(4)).is_ok());
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }

    #[test]
    fn passwords_are_read_in_few_ways() {
        for few in [
            "P@$$w0rd1!",
            "0123456789",
            "Gr@ceH0pper",
            "a (short) {word}",
        ] {
            assert_eq!(with_few_readings(few), few);
        }
        let all: String = LETTERS.concat();
        assert!(readings(&all) > 1_000);
        let seen = with_few_readings(&all);
        let kept: BTreeSet<char> = seen.chars().filter(char::is_ascii).collect();
        let kept: String = kept.into_iter().collect();
        assert!(readings(&kept) <= MOST_READINGS, "{kept}");
        assert_eq!(kept.chars().filter(char::is_ascii_digit).count(), 10);
        assert_eq!(seen.chars().count(), all.chars().count());
    }
}
