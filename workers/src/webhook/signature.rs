//! Signs webhooks: HMAC-SHA256 over id, time and body, with keys that sender and receiver share (Standard Webhooks 1.0). There may
//! be several keys, so that a receiver can rotate them while both are in use. Nothing here shows a key.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

pub(super) struct SigningKeys(Vec<Hmac<Sha256>>);

impl SigningKeys {
    /// Parses one or more keys, separated by commas: `whsec_` and 24 to 64 bytes in base64.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let keys = text.split(',').map(|text| parse(text.trim()));
        let keys: Option<Vec<_>> = keys.collect();
        keys.map(Self).ok_or_else(|| {
            "MILLRACE_WEBHOOK_SECRET: expected whsec_ and 24 to 64 random bytes in base64, such as \
             whsec_$(openssl rand -base64 32); or several of these with commas between"
                .to_owned()
        })
    }

    /// Returns the value of the header `webhook-signature`: a signature by each key.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = self.0.iter().map(|key| {
            let mut mac = key.clone();
            mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
            format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
        });
        signed.collect::<Vec<_>>().join(" ")
    }
}

fn parse(text: &str) -> Option<Hmac<Sha256>> {
    let key = BASE64_STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
    if !(24..=64).contains(&key.len()) {
        return None;
    }
    Hmac::new_from_slice(&key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_specifications_example() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let keys = SigningKeys::parse(key).expect("a key");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let sign = |keys: &SigningKeys| keys.sign(id, 1_614_265_330, "{\"test\": 2432232314}");
        let signed = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(sign(&keys), signed);
        // With a second key, both signatures are there, each independent of the other.
        let new = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let both = SigningKeys::parse(&format!("{new}, {key}")).expect("two keys");
        let by_new = SigningKeys::parse(new).expect("a key");
        assert_eq!(sign(&both), format!("{} {signed}", sign(&by_new)));
    }

    #[test]
    fn weak_keys_are_refused_and_not_repeated() {
        for text in [
            "",
            "whsec_",
            "whsec_c2hvcnQ=",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_?",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_c2hvcnQ=",
        ] {
            let Err(message) = SigningKeys::parse(text) else {
                panic!("{text} is taken");
            };
            assert!(text.is_empty() || text == PREFIX || !message.contains(text));
        }
    }
}
