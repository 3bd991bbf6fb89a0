//! Text that must not be seen: passwords and tokens. It has no way into a log, an event or an error by itself; whoever
//! needs it says so.

use std::fmt;

/// A password or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A password for somebody who has none: 120 random bits.
    ///
    /// # Errors
    /// When the operating system has no randomness.
    pub fn generate() -> Result<Self, String> {
        let mut text = super::tokens::random_token()?.0;
        text.truncate(20);
        Ok(Self(text))
    }

    /// The text, to be checked, or handed to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
