//! Addresses of email: which are valid, how they are stored, and when two are the same. One rule serves customers, students and
//! users, so that nobody registers the same address twice by writing it differently. The rule is beside `checked`.

use std::{borrow::Cow, net::IpAddr};

use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};

use super::Flaw;

/// The limit of RFC 5321, 4.5.3.1.3, less the angle brackets; in octets of the ASCII form.
const OCTETS: usize = 254;
/// The limit of RFC 5321, 4.5.3.1.1.
const LOCAL_OCTETS: usize = 64;
/// A label has at most 63 octets, and each of them comes from few characters. A longer text is refused without being parsed.
const MOST_READ: usize = 4 * OCTETS;

/// Returns the address as it is stored: in ASCII. Addresses are compared in lower case.
///
/// The domain is brought into its ASCII form by UTS 46 (IDNA), which maps compatible characters and drops invisible ones:
/// `münchen.de`, `MÜNCHEN。de` and `xn--mnchen-3ya.de` are one domain. The local part is that of RFC 5321 without quotes, in
/// ASCII: words of letters, digits and some marks, with single dots between them. It contains nothing else, so there is nothing
/// to map. Its case is kept, and makes no difference.
///
/// # Errors
/// Returns the flaw of the address.
pub(crate) fn checked(text: &str) -> Result<String, Flaw> {
    let text = text.trim();
    if text.len() > MOST_READ {
        return Err(too_long());
    }
    let (local, domain) = text.rsplit_once('@').ok_or_else(malformed)?;
    if !is_local_part(local) {
        return Err(malformed());
    }
    let domain = ascii_domain(domain).ok_or_else(malformed)?;
    if local.len() + 1 + domain.len() > OCTETS {
        return Err(too_long());
    }
    if local.len() > LOCAL_OCTETS {
        return Err(Flaw::new(
            "length",
            "must have at most 64 characters before the @",
        ));
    }
    Ok(format!("{local}@{domain}"))
}

/// Returns the key that a valid address is compared by; `None` if the address is not valid.
pub(crate) fn key(text: &str) -> Option<String> {
    checked(text).ok().map(|it| it.to_ascii_lowercase())
}

/// Returns the key of an address that was stored before this rule, if it differs from the address in lower case.
pub(crate) fn key_of_stored(email: &str) -> Option<String> {
    let key = key(email)?;
    (key != email.to_lowercase()).then_some(key)
}

/// Returns the keys of an address to look up: the key by this rule, and the key from before this rule. Both are bounded.
pub(crate) fn sought(text: &str) -> (String, String) {
    let text = text.trim();
    let end = text.floor_char_boundary(MOST_READ);
    let before = text[..end].to_lowercase();
    (key(text).unwrap_or_else(|| before.clone()), before)
}

/// Returns an address in the form in which it is compared. A text that is no address stays one, in lower case.
pub(crate) fn form(text: &str) -> String {
    sought(text).0
}

/// Returns the spellings of an address to search for: as it is stored and, if that differs, with its domain in Unicode.
pub(crate) fn spellings(email: &str) -> Cow<'_, str> {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return email.into();
    };
    let uts46 = Uts46::new();
    let (shown, _) = uts46.to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
    let ascii = ascii_domain(domain);
    let ascii = ascii.as_deref().unwrap_or(domain);
    match shown.eq_ignore_ascii_case(ascii) {
        true => email.into(),
        false => format!("{local}@{ascii}\n{local}@{shown}").into(),
    }
}

/// Checks for `Dot-string` of RFC 5321, 4.1.2.
fn is_local_part(local: &str) -> bool {
    let is_text = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c);
    local
        .split('.')
        .all(|word| !word.is_empty() && word.chars().all(is_text))
}

/// Returns the domain as it was entered if it is ASCII; otherwise its ASCII form.
fn ascii_domain(domain: &str) -> Option<Cow<'_, str>> {
    if let Some(literal) = domain.strip_prefix('[') {
        let address: IpAddr = literal.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]").into());
    }
    let ascii = Uts46::new().to_ascii(
        domain.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    let ascii = ascii.ok()?;
    match domain.is_ascii() {
        true if ascii.eq_ignore_ascii_case(domain) => Some(domain.into()),
        _ => Some(ascii),
    }
}

fn malformed() -> Flaw {
    Flaw::new("email", "must be an email address, such as ada@example.com")
}

fn too_long() -> Flaw {
    Flaw::new("length", "must have at most 254 characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_however_its_domain_is_written() {
        for (written, stored) in [
            ("Ada@Example.com", "Ada@Example.com"),
            (" ada@example.com\n", "ada@example.com"),
            ("a@münchen.de", "a@xn--mnchen-3ya.de"),
            ("a@MU\u{308}NCHEN.de", "a@xn--mnchen-3ya.de"),
            ("h@ｅxample.org", "h@example.org"),
            ("h@example。org", "h@example.org"),
            ("h@exam\u{ad}ple.org", "h@example.org"),
            ("h@example.org\u{200b}", "h@example.org"),
            ("h@exam\u{2060}ple.org", "h@example.org"),
            ("h@straße.de", "h@xn--strae-oqa.de"),
            ("h@[127.0.0.1]", "h@[127.0.0.1]"),
            ("o'hara+a.b@example.org", "o'hara+a.b@example.org"),
        ] {
            assert_eq!(checked(written).as_deref(), Ok(stored), "{written:?}");
            assert_eq!(checked(stored).as_deref(), Ok(stored), "it stays as it is");
            assert!(stored.is_ascii());
        }
        assert_eq!(key("A@XN--MNCHEN-3YA.DE"), key("a@münchen.de"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for refused in [
            "ada",
            "@example.org",
            "a@",
            "a..b@example.org",
            ".a@example.org",
            "a.@example.org",
            "a@b@example.org",
            "a b@example.org",
            "\"a\"@example.org",
            "\u{200b}h@example.org",
            "h\u{200d}@example.org",
            "ｈ@example.org",
            "h@exa\u{202e}mple.org",
            "h@example.org.",
            "h@.example.org",
            "h@example..org",
            "h@-example.org",
            "h@example-.org",
            "h@exa mple.org",
            "h@exa_mple.org",
            "h@xn--a.org",
            "h@[127.0.0.1",
            "h@\0",
        ] {
            let flaw = checked(refused).expect_err(refused);
            assert_eq!(flaw.code, "email", "{refused:?}");
        }
    }

    #[test]
    fn lengths_are_in_octets_of_the_ascii_form() {
        let domain = |labels: usize| vec!["a".repeat(59); labels].join(".") + ".org";
        let local = "l".repeat(64);
        assert!(checked(&format!("{local}@example.org")).is_ok());
        let flaw = checked(&format!("{local}l@example.org")).expect_err("65");
        assert_eq!(flaw.code, "length");
        assert!(checked(&format!("a@{}", domain(4))).is_ok(), "245");
        let long = format!("{}@{}", "l".repeat(12), domain(4));
        assert_eq!(checked(&long).expect_err("256").code, "length");
        // A label of few characters but many octets.
        let label = "ü".repeat(30) + "abcdefghijklmnopqrst";
        let wide = format!("a@{}", vec![label; 5].join("."));
        assert!(wide.chars().count() < 258 && checked(&wide).is_err());
        assert_eq!(
            checked(&"a".repeat(1 << 20)).expect_err("long").code,
            "length"
        );
        assert!(sought(&"ü".repeat(1 << 20)).0.len() <= 2 * MOST_READ);
    }

    #[test]
    fn addresses_from_before_are_found_by_both_keys() {
        assert_eq!(key_of_stored("Ada@Example.com"), None);
        let key = key_of_stored("A@München.de");
        assert_eq!(key.as_deref(), Some("a@xn--mnchen-3ya.de"));
        assert_eq!(key_of_stored("a..b@example.org"), None, "it has none");
        let (key, before) = sought(" A@München.de ");
        assert_eq!(
            (key.as_str(), before.as_str()),
            ("a@xn--mnchen-3ya.de", "a@münchen.de")
        );
        assert_eq!(sought("A..b@Example.org").0, "a..b@example.org");
        assert_eq!(
            spellings("a@xn--mnchen-3ya.de"),
            "a@xn--mnchen-3ya.de\na@münchen.de"
        );
        assert_eq!(spellings("Ada@Example.com"), "Ada@Example.com");
    }
}
