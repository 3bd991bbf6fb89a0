//! Text that must not be shown: passwords and tokens. It does not get into a log, an event or an error by itself; code that
//! needs the text has to call `reveal`.

use std::fmt;

/// A password or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Generates a password for a user who has none: 120 random bits.
    ///
    /// # Errors
    /// Fails when the operating system has no randomness.
    pub fn generate() -> Result<Self, String> {
        let mut text = super::tokens::random_token()?.0;
        text.truncate(20);
        Ok(Self(text))
    }

    /// Returns the text, to be checked or handed to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
