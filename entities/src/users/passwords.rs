//! Passwords as argon2id hashes, made and checked off the async threads, a bounded number at once. Checking costs the
//! same whether the account exists or not: for one that does not, a hash that nothing matches is checked. What is hashed is the
//! password in its normal form (NFC), as devices send the same characters in different ones.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use events::Error;
use tokio::sync::Semaphore;

use super::Secret;
use crate::text::nfc;

/// What a hash costs. OWASP recommends at least 19 MiB and two passes.
#[derive(Debug, Clone, Copy)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
}

#[derive(Clone)]
pub(super) struct Passwords {
    argon2: Argon2<'static>,
    /// Matches no password that passes the rules.
    nobody: Arc<str>,
    places: Arc<Semaphore>,
}

impl Passwords {
    /// # Errors
    /// When argon2 refuses the cost.
    pub(super) fn new(cost: PasswordCost) -> Result<Self, String> {
        let params = Params::new(cost.memory_kib, cost.iterations, 1, None)
            .map_err(|error| format!("the cost of passwords: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash_with(&argon2, "").map_err(|error| error.to_string())?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            argon2,
            nobody: nobody.into(),
            places: Arc::new(Semaphore::new(cores)),
        })
    }

    pub(super) async fn hash(&self, password: Secret) -> Result<String, Error> {
        let argon2 = self.argon2.clone();
        self.run(move || hash_with(&argon2, &nfc(password.reveal())))
            .await?
    }

    /// Whether `password` is the one of `hash`; never for `None`, which takes as long.
    pub(super) async fn matches(
        &self,
        password: Secret,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let (argon2, nobody) = (self.argon2.clone(), self.nobody.clone());
        self.run(move || {
            let text = hash.as_deref().unwrap_or(&nobody);
            let parsed = PasswordHash::new(text)
                .map_err(|error| Error::Task(format!("a stored password hash: {error}")))?;
            let given = password.reveal();
            let matches = |text: &str| argon2.verify_password(text.as_bytes(), &parsed).is_ok();
            let normal = nfc(given);
            // Hashes from before may be of the characters as they were typed.
            let is_right = matches(&normal) || (*normal != *given && matches(given));
            Ok(is_right && hash.is_some())
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let failed = |error: &dyn std::error::Error| Error::Task(error.to_string());
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|error| failed(&error))?;
        tokio::task::spawn_blocking(move || {
            // Held until the work is done, also when nobody waits for it any more.
            let _place = place;
            work()
        })
        .await
        .map_err(|error| failed(&error))
    }
}

fn hash_with(argon2: &Argon2<'_>, password: &str) -> Result<String, Error> {
    argon2
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::Task(format!("hashing a password: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let cost = PasswordCost {
            memory_kib: 64,
            iterations: 1,
        };
        let passwords = Passwords::new(cost).expect("a cost");
        let hash = passwords.hash(Secret::new("correct horse")).await;
        let hash = hash.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let matches = async |password: &str, hash: Option<&str>| {
            let checked = passwords.matches(Secret::new(password), hash.map(str::to_owned));
            checked.await.expect("an answer")
        };
        assert!(matches("correct horse", Some(&hash)).await);
        assert!(!matches("battery staple", Some(&hash)).await);
        assert!(!matches("correct horse", None).await);
        assert!(!matches("", None).await, "the hash of nobody opens nothing");
    }

    #[tokio::test]
    async fn a_password_is_one_in_whatever_form_it_is_sent() {
        let (composed, decomposed) = ("Zo\u{eb} trinkt Tee", "Zoe\u{308} trinkt Tee");
        let cost = PasswordCost {
            memory_kib: 64,
            iterations: 1,
        };
        let passwords = Passwords::new(cost).expect("a cost");
        let from_before = hash_with(&passwords.argon2, decomposed).expect("a hash");
        for set in [composed, decomposed] {
            let hash = passwords.hash(Secret::new(set)).await.expect("a hash");
            for given in [composed, decomposed] {
                let matches = passwords.matches(Secret::new(given), Some(hash.clone()));
                assert!(matches.await.expect("an answer"), "{set:?} {given:?}");
            }
        }
        let matches = passwords.matches(Secret::new(decomposed), Some(from_before));
        assert!(matches.await.expect("an answer"), "as it was typed");
    }
}
