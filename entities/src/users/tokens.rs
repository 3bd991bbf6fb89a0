//! Access tokens: JWTs signed with HMAC-SHA-256, short-lived, naming a session. They contain the caller's identity, never
//! permissions, which are looked up. The first key signs; all keys verify, so that keys can be changed without a gap. Only
//! HS256 under a known key id is accepted, whatever else a token's header asks for.

mod hs256;

use std::{
    collections::HashMap,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    errors::ErrorKind,
};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};

use super::{Secret, standing::Standing};
use crate::access::{Reason, SessionId, UserId};

const ISSUER: &str = "millrace";
/// HS256 requires a key as long as its output.
const LEAST_SECRET_BYTES: usize = 32;
/// The number of verified tokens that are remembered.
const REMEMBERED: u64 = 10_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
/// A gateway whose clock is behind the issuer's by less than this accepts a new token at once.
const CLOCK_SKEW: u64 = 5;

/// The keys that sign and verify tokens, as operators write them: `id:secret`, separated by commas.
#[derive(Clone)]
pub struct TokenKeys(Vec<(String, Secret)>);

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(id, _)| id))
            .finish()
    }
}

impl TokenKeys {
    /// Generates a random key.
    ///
    /// # Errors
    /// Fails when the operating system has no randomness.
    pub fn generate() -> Result<(Self, Secret), String> {
        let text = format!("1:{}", random_token()?.reveal());
        Ok((text.parse()?, Secret::new(text)))
    }
}

impl FromStr for TokenKeys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let keys = text.split(',').map(str::trim).map(|key| {
            let (id, secret) = key
                .split_once(':')
                .ok_or("a token key is written id:secret")?;
            if id.is_empty() || id.len() > 64 || !id.chars().all(|c| c.is_ascii_graphic()) {
                return Err("the id of a token key has 1 to 64 visible characters".to_owned());
            }
            if secret.len() < LEAST_SECRET_BYTES {
                return Err(format!(
                    "the secret of token key {id} has fewer than {LEAST_SECRET_BYTES} bytes"
                ));
            }
            Ok((id.to_owned(), Secret::new(secret)))
        });
        let keys = keys.collect::<Result<Vec<_>, String>>()?;
        let mut ids: Vec<_> = keys.iter().map(|(id, _)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() < keys.len() {
            return Err("two token keys have the same id".to_owned());
        }
        Ok(Self(keys))
    }
}

/// The claims of a valid token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) user_id: UserId,
    pub(crate) session_id: SessionId,
    pub(crate) expires_at: SystemTime,
}

/// A token whose signature was verified, and what it was last found to stand for.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) claims: Claims,
    pub(super) standing: Standing,
}

#[derive(Serialize, Deserialize)]
struct Registered {
    iss: String,
    sub: UserId,
    sid: SessionId,
    iat: u64,
    nbf: u64,
    exp: u64,
}

pub(super) struct Tokens {
    header: Header,
    signing: EncodingKey,
    verifying: HashMap<String, DecodingKey>,
    /// The secrets of the keys, for HMACs of other modules; the first one signs.
    secrets: Vec<Secret>,
    validation: Validation,
    /// Tokens whose signature was verified: verification costs more than the rest of a small request.
    verified: Cache<Box<str>, Arc<Token>>,
}

impl Tokens {
    pub(super) fn new(keys: &TokenKeys) -> Result<Self, String> {
        let (id, secret) = keys.0.first().ok_or("there is no token key")?;
        // This fails only if a provider was already installed.
        let _ = hs256::PROVIDER.install_default();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.clone());
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "sub"]);
        let key = |(id, secret): &(String, Secret)| {
            (
                id.clone(),
                DecodingKey::from_secret(secret.reveal().as_bytes()),
            )
        };
        Ok(Self {
            header,
            signing: EncodingKey::from_secret(secret.reveal().as_bytes()),
            verifying: keys.0.iter().map(key).collect(),
            secrets: keys.0.iter().map(|(_, secret)| secret.clone()).collect(),
            validation,
            verified: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_idle(REMEMBERED_FOR)
                .build(),
        })
    }

    /// Returns all keys; the first one signs.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.secrets.iter().map(|secret| secret.reveal().as_bytes())
    }

    /// Returns a token for `session_id`, issued at a time in seconds since 1970, and its expiry: after `lifetime`, but not
    /// after `latest`. The same arguments give the same token.
    pub(super) fn issue(
        &self,
        user_id: UserId,
        session_id: SessionId,
        issued_at: u64,
        lifetime: Duration,
        latest: DateTime<Utc>,
    ) -> Result<(Secret, DateTime<Utc>), events::Error> {
        let now = issued_at;
        let latest_seconds = u64::try_from(latest.timestamp()).unwrap_or(0);
        let exp = (now + lifetime.as_secs()).min(latest_seconds);
        let claims = Registered {
            iss: ISSUER.to_owned(),
            sub: user_id,
            sid: session_id,
            iat: now,
            nbf: now.saturating_sub(CLOCK_SKEW),
            exp,
        };
        let token = encode(&self.header, &claims, &self.signing)
            .map_err(|error| events::Error::Task(format!("a token was not signed: {error}")))?;
        let expires_at = DateTime::from_timestamp(exp.try_into().unwrap_or(i64::MAX), 0);
        Ok((Secret::new(token), expires_at.unwrap_or(latest)))
    }

    /// Returns the token, if it is one of ours and valid now.
    pub(super) fn verify(&self, text: &str) -> Result<Arc<Token>, Reason> {
        if let Some(token) = self.verified.get(text) {
            // The token was already valid then; it may have expired since.
            return match token.claims.expires_at > SystemTime::now() {
                true => Ok(token),
                false => Err(Reason::Expired),
            };
        }
        let token = Arc::new(Token {
            claims: self.decode(text)?,
            standing: Standing::default(),
        });
        self.verified.insert(text.into(), token.clone());
        Ok(token)
    }

    fn decode(&self, token: &str) -> Result<Claims, Reason> {
        if has_critical_extensions(token) {
            return Err(Reason::Invalid);
        }
        let header = decode_header(token).map_err(|_| Reason::Invalid)?;
        let key = header.kid.and_then(|id| self.verifying.get(&id));
        let key = key.ok_or(Reason::Invalid)?;
        let claims = decode::<Registered>(token, key, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => Reason::Expired,
                ErrorKind::ImmatureSignature => Reason::NotYetValid,
                _ => Reason::Invalid,
            })?
            .claims;
        // A token with a time past all calendars is not one of ours.
        let expires_at = UNIX_EPOCH.checked_add(Duration::from_secs(claims.exp));
        let expires_at = expires_at.ok_or(Reason::Invalid)?;
        // The library still accepts a token in the second in which it expires.
        if expires_at <= SystemTime::now() {
            return Err(Reason::Expired);
        }
        Ok(Claims {
            user_id: claims.sub,
            session_id: claims.sid,
            expires_at,
        })
    }
}

/// Returns whether the header names critical extensions (RFC 7515, 4.1.11). We understand none, and the library does not check.
fn has_critical_extensions(token: &str) -> bool {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let header = token.split('.').next().unwrap_or_default();
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&header);
    header.is_ok_and(|header| header.contains_key("crit"))
}

/// Returns the seconds since 1970, by the clock of this process.
pub(super) fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Returns 256 random bits as text.
pub(super) fn random_token() -> Result<Secret, String> {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(random_bytes()?)))
}

/// Returns 256 random bits.
pub(super) fn random_bytes() -> Result<[u8; 32], String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn keys(text: &str) -> Result<TokenKeys, String> {
        text.parse()
    }

    const USER: UserId = UserId::from_uuid(Uuid::nil());
    const SESSION: SessionId = SessionId::from_uuid(Uuid::max());

    const FIRST: &str = "a:0123456789abcdef0123456789abcdef";
    const SECOND: &str = "b:fedcba9876543210fedcba9876543210";

    fn tokens(text: &str) -> Tokens {
        Tokens::new(&keys(text).expect("keys")).expect("tokens")
    }

    fn issue(tokens: &Tokens, lifetime: u64) -> String {
        let latest = DateTime::from_timestamp(4_000_000_000, 0).expect("a time");
        let lifetime = Duration::from_secs(lifetime);
        let issued = tokens.issue(USER, SESSION, seconds_now(), lifetime, latest);
        issued.expect("a token").0.reveal().to_owned()
    }

    #[test]
    fn keys_are_checked() {
        assert!(keys(FIRST).is_ok());
        assert!(keys(&format!("{FIRST},{SECOND}")).is_ok());
        assert!(keys("a:short").is_err_and(|message| message.contains("32 bytes")));
        assert!(keys("0123456789abcdef0123456789abcdef").is_err());
        assert!(keys(&format!("{FIRST},{FIRST}")).is_err());
        let shown = format!("{:?}", keys(FIRST));
        assert_eq!(shown, r#"Ok(["a"])"#, "secrets are not shown");
    }

    #[test]
    fn keys_rotate_without_a_gap() {
        let (old, new) = (tokens(FIRST), tokens(&format!("{SECOND},{FIRST}")));
        let token = new.verify(&issue(&old, 60)).expect("the old key verifies");
        let Claims {
            user_id,
            session_id,
            ..
        } = token.claims;
        assert_eq!((user_id, session_id), (USER, SESSION));
        let refused = old.verify(&issue(&new, 60)).err();
        assert_eq!(refused, Some(Reason::Invalid));
    }

    #[test]
    fn extensions_that_have_to_be_understood_are_not() {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        let tokens = tokens(FIRST);
        let token = issue(&tokens, 60);
        let (_, rest) = token.split_once('.').expect("three parts");
        let (claims, _) = rest.rsplit_once('.').expect("three parts");
        let signed = |header: &str| {
            let header = BASE64_URL_SAFE_NO_PAD.encode(header);
            let message = format!("{header}.{claims}");
            let key = EncodingKey::from_secret(&FIRST.as_bytes()[2..]);
            let algorithm = Algorithm::HS256;
            let code = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm);
            format!("{message}.{}", code.expect("a signature"))
        };
        let plain = signed(r#"{"alg":"HS256","kid":"a"}"#);
        assert!(tokens.verify(&plain).is_ok());
        for crit in [r#"["x"]"#, "[]", "null"] {
            let header = format!(r#"{{"alg":"HS256","kid":"a","crit":{crit},"x":1}}"#);
            let refused = tokens.verify(&signed(&header)).err();
            assert_eq!(refused, Some(Reason::Invalid), "{crit}");
        }
    }

    #[test]
    fn a_token_ends_at_its_time() {
        let tokens = tokens(FIRST);
        let refused = tokens.verify(&issue(&tokens, 0)).err();
        assert_eq!(refused, Some(Reason::Expired));
    }
}
