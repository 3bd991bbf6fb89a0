//! Passwords as argon2id hashes, which are made and checked off the async threads, a bounded number at once. Nobody waits long:
//! when the queue would take longer than a moment, further requests are refused, and those from one network sooner than those
//! from all. A check costs the same whether the account exists or not: without an account, a hash that nothing matches is
//! checked. The password is hashed in its normal form (NFC), as devices encode the same characters differently.
//!
//! The cost is a setting, and stored hashes keep the cost that it had then, until their users sign in. So every check makes a hash of each
//! cost that any stored hash was found to have: the right one, and of the others one that nothing matches. Only the first check of a cost
//! that this process has not met yet takes longer than others before it.

mod queue;

use std::{net::IpAddr, sync::Arc, time::Instant};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use events::Error;
use parking_lot::Mutex;

use super::{Secret, UserError};
use crate::text::nfc;
use queue::Hashing;

/// The cost of a hash. OWASP recommends at least 19 MiB and two passes.
#[derive(Debug, Clone, Copy)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
}

#[derive(Clone)]
pub(super) struct Passwords {
    argon2: Argon2<'static>,
    /// A hash that matches no password which passes the rules.
    nobody: Arc<str>,
    /// The costs that stored hashes are known to have; the present one is the first.
    costs: Arc<Mutex<Vec<Arc<str>>>>,
    hashing: Hashing,
}

/// The most costs that every check pays for.
const MOST_COSTS: usize = 4;

impl Passwords {
    /// # Errors
    /// Fails when argon2 refuses the cost.
    pub(super) fn new(cost: PasswordCost) -> Result<Self, String> {
        let params = Params::new(cost.memory_kib, cost.iterations, 1, None)
            .map_err(|error| format!("the cost of passwords: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let began = Instant::now();
        let nobody = hash_with(&argon2, "").map_err(|error| error.to_string())?;
        let each = began.elapsed();
        Ok(Self {
            argon2,
            costs: Arc::new(Mutex::new(vec![cost_of(&nobody).into()])),
            nobody: nobody.into(),
            hashing: Hashing::start(each)?,
        })
    }

    /// Returns the hash of a password that a caller at `address` sets.
    pub(super) async fn hash(
        &self,
        address: Option<IpAddr>,
        password: Secret,
    ) -> Result<String, UserError> {
        let argon2 = self.argon2.clone();
        let hash = self
            .hashing
            .hash(address, move || hash_with(&argon2, &nfc(password.reveal())));
        Ok(hash.await??)
    }

    /// Returns whether `password` is the one of `hash`; always false for `None`, which takes as long.
    pub(super) async fn matches(
        &self,
        address: Option<IpAddr>,
        password: Secret,
        hash: Option<String>,
    ) -> Result<bool, UserError> {
        let passwords = self.clone();
        let checked = self
            .hashing
            .hash(address, move || passwords.check(&password, hash.as_deref()));
        Ok(checked.await??)
    }

    fn check(&self, password: &Secret, hash: Option<&str>) -> Result<bool, Error> {
        let parse = |text: &str| {
            PasswordHash::new(text)
                .map_err(|error| Error::Task(format!("a stored password hash: {error}")))
        };
        // One that cannot be read is no matter of others.
        let own = hash.map(parse).transpose()?;
        let given = password.reveal();
        let normal = nfc(given);
        let mut is_right = false;
        for cost in self.costs_with(hash.map(cost_of)) {
            let own = own.as_ref().filter(|_| hash.map(cost_of) == Some(&*cost));
            let parsed = match own {
                Some(own) => own.clone(),
                // The salt and the hash are those of another cost.
                None => parse(&format!("{cost}{}", self.nobody_behind_its_cost()))?,
            };
            let matches = |text: &str| {
                let checked = self.argon2.verify_password(text.as_bytes(), &parsed);
                checked.is_ok()
            };
            // Older hashes may be of the characters as they were typed.
            let has_matched = matches(&normal) || (*normal != *given && matches(given));
            is_right |= has_matched && own.is_some();
        }
        Ok(is_right)
    }

    fn nobody_behind_its_cost(&self) -> &str {
        &self.nobody[cost_of(&self.nobody).len()..]
    }

    /// Returns the costs that a check pays for, among them `cost`, which is remembered.
    fn costs_with(&self, cost: Option<&str>) -> Vec<Arc<str>> {
        let mut known = self.costs.lock();
        let mut costs = known.clone();
        if let Some(cost) = cost.filter(|cost| known.iter().all(|it| **it != **cost)) {
            costs.push(cost.into());
            if costs.len() <= MOST_COSTS {
                known.clone_from(&costs);
            }
        }
        costs
    }

    /// Returns a hash of the present cost in place of one that this password matches, if that has another one. It keeps the salt, which
    /// tells that it is of the same password.
    pub(super) async fn renewed(
        &self,
        address: Option<IpAddr>,
        password: Secret,
        hash: &str,
    ) -> Result<Option<String>, UserError> {
        if cost_of(hash) == cost_of(&self.nobody) {
            return Ok(None);
        }
        let (argon2, hash) = (self.argon2.clone(), hash.to_owned());
        let made = self.hashing.hash(address, move || {
            let salt = PasswordHash::new(&hash).ok()?.salt?;
            let password = nfc(password.reveal());
            let made = argon2.hash_password_with_salt(password.as_bytes(), &salt);
            made.ok().map(|hash| hash.to_string())
        });
        made.await
    }

    /// Does work that takes no longer than a hash, in the same queue.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        address: Option<IpAddr>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, UserError> {
        self.hashing.run(address, work).await
    }
}

/// Returns what a hash has cost: all that precedes its salt.
fn cost_of(hash: &str) -> &str {
    hash.rsplitn(3, '$').last().unwrap_or_default()
}

/// Returns the salt of a hash, which differs whenever a password is set.
pub(super) fn salt_of(hash: &str) -> Option<&str> {
    hash.rsplit('$').nth(1)
}

fn hash_with(argon2: &Argon2<'_>, password: &str) -> Result<String, Error> {
    argon2
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::Task(format!("hashing a password: {error}")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let cost = PasswordCost {
            memory_kib: 64,
            iterations: 1,
        };
        let passwords = Passwords::new(cost).expect("a cost");
        let hash = passwords.hash(None, Secret::new("correct horse")).await;
        let hash = hash.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let matches = async |password: &str, hash: Option<&str>| {
            let checked = passwords.matches(None, Secret::new(password), hash.map(str::to_owned));
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
            let hash = passwords
                .hash(None, Secret::new(set))
                .await
                .expect("a hash");
            for given in [composed, decomposed] {
                let matches = passwords.matches(None, Secret::new(given), Some(hash.clone()));
                assert!(matches.await.expect("an answer"), "{set:?} {given:?}");
            }
        }
        let matches = passwords.matches(None, Secret::new(decomposed), Some(from_before));
        assert!(matches.await.expect("an answer"), "as it was typed");
    }

    /// The cost is another one than it was: whether somebody is there is not seen from how long it takes, and the hash is renewed.
    #[tokio::test]
    async fn hashes_of_before_take_as_long_as_those_of_nobody() {
        let [cheap, dear] = [(64, 1), (8_192, 3)].map(|(memory_kib, iterations)| {
            let cost = PasswordCost {
                memory_kib,
                iterations,
            };
            Passwords::new(cost).expect("a cost")
        });
        for (before, now) in [(&cheap, &dear), (&dear, &cheap)] {
            let (right, wrong) = (Secret::new("correct horse"), Secret::new("a guess"));
            let old = before.hash(None, right.clone()).await.expect("a hash");
            let matches = async |password: &Secret, hash: Option<&str>| {
                let began = Instant::now();
                let checked = now.matches(None, password.clone(), hash.map(str::to_owned));
                (checked.await.expect("an answer"), began.elapsed())
            };
            assert!(matches(&right, Some(&old)).await.0);
            let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
            for _ in 0..10 {
                let (is_right, took) = matches(&wrong, Some(&old)).await;
                assert!(!is_right);
                known = known.min(took);
                unknown = unknown.min(matches(&wrong, None).await.1);
            }
            assert!(
                known < unknown * 2 && unknown < known * 2,
                "{known:?} and {unknown:?}"
            );
            let renewed = now.renewed(None, right.clone(), &old).await;
            let renewed = renewed.expect("an answer").expect("a hash");
            assert_ne!(cost_of(&renewed), cost_of(&old));
            assert_eq!(salt_of(&renewed), salt_of(&old));
            assert!(matches(&right, Some(&renewed)).await.0);
            let again = now.renewed(None, right.clone(), &renewed).await;
            assert_eq!(again.expect("an answer"), None);
            let broken = now.matches(None, wrong.clone(), Some("no hash".to_owned()));
            assert!(broken.await.is_err());
            assert!(!matches(&wrong, None).await.0, "others are not concerned");
        }
    }
}
