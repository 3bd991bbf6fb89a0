//! Tokens as the gateways of a test sign them, and as an attacker would: with any header, claims and signature. Every gateway
//! gets the kit's key, so that a token signed in one copy of a template is valid in all.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

/// The id of the key that the kit's gateways sign with.
pub const KEY_ID: &str = "test";
/// The secret of the key, which only tests use.
pub const SECRET: &str = "a-secret-of-tests-only-with-more-than-32-bytes";

/// Returns the key as `--token-keys` takes it.
pub fn keys() -> String {
    format!("{KEY_ID}:{SECRET}")
}

/// How a forged token is signed.
#[derive(Clone, Copy, Debug)]
pub enum Signature<'a> {
    Sha256(&'a str),
    Sha512(&'a str),
    /// Nothing follows the last dot.
    Missing,
    /// These characters are the signature.
    Text(&'a str),
}

/// Returns a JSON Web Token of these parts.
pub fn forge(header: &Value, claims: &Value, signature: Signature<'_>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = match signature {
        Signature::Sha256(secret) => {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
            mac.update(signed.as_bytes());
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        }
        Signature::Sha512(secret) => {
            let mut mac = Hmac::<Sha512>::new_from_slice(secret.as_bytes()).expect("any length");
            mac.update(signed.as_bytes());
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        }
        Signature::Missing => String::new(),
        Signature::Text(text) => text.to_owned(),
    };
    format!("{signed}.{signature}")
}

/// Returns the token with these changes to its claims, signed as the gateway would; a null removes a claim.
pub fn altered(token: &str, changes: &Value) -> String {
    let mut claims = claims(token);
    let fields = claims.as_object_mut().expect("claims are an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    forge(&header(), &claims, Signature::Sha256(SECRET))
}

/// Returns the token for the events that `owner` has written, as the gateway would make it.
pub fn read_after(owner: &str, written: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(b"millrace read after 1\0");
    mac.update(owner.as_bytes());
    mac.update(b"\0");
    mac.update(written.as_bytes());
    let code = URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16]);
    format!("{written}.{code}")
}

/// Returns an expired token with the same claims.
pub fn expired(token: &str) -> String {
    let now = now();
    altered(
        token,
        &json!({ "iat": now - 7200, "nbf": now - 7200, "exp": now - 3600 }),
    )
}

/// Returns the header that the gateway writes with the kit's key.
pub fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT", "kid": KEY_ID })
}

/// Returns a token's claims, unverified.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// Returns a token's header, unverified.
pub fn header_of(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).expect("a part of a token");
    let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Returns the seconds since 1970.
pub fn now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs() as i64
}
