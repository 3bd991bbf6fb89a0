//! The tokens by which a query asks to see what was written (`readAfter`). Each is of who wrote: an HMAC under the keys of access tokens,
//! which all gateways share, binds it to them. So nobody learns by a token of their own making what exists and what does not, and nobody
//! waits for what they did not write. A token that is not theirs is refused before anything is looked up, for whatever reason it is.

use ::events::Written;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Users;

/// So that no other use of the same keys gives the same bits.
const PURPOSE: &[u8] = b"millrace read after 1\0";
/// Of the code that are shown; nobody tries 2^128 of them.
const SHOWN_BYTES: usize = 16;

impl Users {
    /// The token for `owner`, as events name them, of what they have written.
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

    /// What `owner` has written, if the token says so and is theirs.
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
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of every length")
    };
    mac.update(PURPOSE);
    mac.update(owner.as_bytes());
    mac.update(b"\0");
    mac.update(written.as_bytes());
    mac
}
