//! Signing webhooks: HMAC-SHA256 over id, time and body, with a key that sender and receiver share (Standard Webhooks 1.0).
//! The key is not shown by anything here.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

pub(super) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Reads `whsec_` and 24 to 64 bytes in base64.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let expected = || {
            "MILLRACE_WEBHOOK_SECRET: expected whsec_ and 24 to 64 random bytes in base64, such as \
             whsec_$(openssl rand -base64 32)"
                .to_owned()
        };
        let encoded = text.trim().strip_prefix(PREFIX).ok_or_else(expected)?;
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| expected())?;
        if !(24..=64).contains(&key.len()) {
            return Err(expected());
        }
        Hmac::new_from_slice(&key).map(Self).map_err(|_| expected())
    }

    /// The value of the header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_specifications_example() {
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = key.sign(id, 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn weak_keys_are_refused_and_not_repeated() {
        for text in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_?",
        ] {
            let Err(message) = SigningKey::parse(text) else {
                panic!("{text} is taken");
            };
            assert!(text.is_empty() || text == PREFIX || !message.contains(text));
        }
    }
}
