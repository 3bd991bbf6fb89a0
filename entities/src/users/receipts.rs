//! The tokens with which a query asks to see earlier writes (`readAfter`). An HMAC under the keys of access tokens, which all
//! gateways share, binds each token to its writer. So nobody can forge a token to learn what exists, or to wait for what they
//! did not write. A token that belongs to somebody else is refused before anything is looked up, with the same answer as any
//! other invalid token.

use ::events::Written;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Users;

/// Separates these codes from all other uses of the same keys.
const PURPOSE: &[u8] = b"millrace read after 1\0";
/// The number of bytes of the code in a token; nobody tries 2^128 of them.
const SHOWN_BYTES: usize = 16;

impl Users {
    /// Returns the token for the events that `owner`, as events name them, has written.
    pub fn read_after_token(&self, owner: &str, written: &Written) -> String {
        let written = written.to_string();
        let code = self
            .tokens
            .keys()
            .next()
            .map(|key| code(key, owner, &written));
        let code = code.map(|mac| mac.finalize().into_bytes());
        let shown = code.as_ref().map_or(&[][..], |code| &code[..SHOWN_BYTES]);
        format!("{written}.{}", BASE64_URL_SAFE_NO_PAD.encode(shown))
    }

    /// Returns what `owner` has written, if the token is valid and theirs.
    pub fn open_read_after_token(&self, owner: &str, token: &str) -> Option<Written> {
        let (written, shown) = token.rsplit_once('.')?;
        let shown = BASE64_URL_SAFE_NO_PAD.decode(shown).ok()?;
        let is_ours = |key| {
            let code = code(key, owner, written);
            shown.len() == SHOWN_BYTES && code.verify_truncated_left(&shown).is_ok()
        };
        self.tokens
            .keys()
            .any(is_ours)
            .then(|| written.parse().ok())?
    }
}

fn code(key: &[u8], owner: &str, written: &str) -> Hmac<Sha256> {
    // HMAC accepts keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of every length")
    };
    mac.update(PURPOSE);
    mac.update(owner.as_bytes());
    mac.update(b"\0");
    mac.update(written.as_bytes());
    mac
}
