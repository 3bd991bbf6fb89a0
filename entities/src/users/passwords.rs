//! Passwords as argon2id hashes, which are made and checked off the async threads, a bounded number at once. Nobody waits long:
//! when the queue would take longer than a moment, further requests are refused, and those from one network sooner than those
//! from all. A check costs the same whether the account exists or not: without an account, a hash that nothing matches is
//! checked. The password is hashed in its normal form (NFC), as devices encode the same characters differently.

use std::{
    collections::HashMap,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use events::Error;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use super::{Secret, UserError, UserRefusal, throttle::network_of};
use crate::text::nfc;

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
    hashers: Hashers,
    queue: Arc<Queue>,
}

/// The longest that a request waits for others' passwords; half of it for others from the same network.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// When a refused caller may try again.
const COME_BACK: Duration = Duration::from_secs(1);

/// The requests that wait for a hash, or whose hash is being made.
struct Queue {
    cores: usize,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    in_all: usize,
    by_network: HashMap<IpAddr, usize>,
    /// How long one hash has taken lately.
    each: Duration,
}

type Work = Box<dyn FnOnce() + Send>;

/// One thread for each core. They are always the same threads: a hash needs so much memory that every thread of a pool must not
/// keep it.
#[derive(Clone)]
struct Hashers(mpsc::Sender<Work>);

impl Hashers {
    fn start(count: usize) -> Result<Self, String> {
        let (asked, work) = mpsc::channel::<Work>();
        let work = Arc::new(Mutex::new(work));
        for _ in 0..count {
            let work = work.clone();
            let hasher = thread::Builder::new().name("hasher".to_owned());
            let started = hasher.spawn(move || {
                loop {
                    let next = work.lock().recv();
                    let Ok(next) = next else {
                        return;
                    };
                    // The caller notices a panic, as the sender of the channel is dropped.
                    let _ = catch_unwind(AssertUnwindSafe(next));
                }
            });
            started.map_err(|error| format!("a thread for hashing: {error}"))?;
        }
        Ok(Self(asked))
    }

    fn ask(&self, work: Work) {
        // A hasher never ends before this sender does.
        let _ = self.0.send(work);
    }
}

/// A place in the queue, which is freed when it is dropped.
struct Queued {
    queue: Arc<Queue>,
    network: Option<IpAddr>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }

    fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Queued, UserRefusal> {
        let network = address.map(network_of);
        let mut waiting = self.lock();
        let at_once = LONGEST_WAIT.as_nanos() / waiting.each.as_nanos().max(1);
        let most = usize::try_from(at_once).unwrap_or(usize::MAX);
        let most = most.saturating_mul(self.cores).max(2 * self.cores);
        let of_network = network.map(|network| waiting.by_network.entry(network).or_default());
        let is_full = of_network.is_some_and(|count| *count >= most / 2);
        if is_full || waiting.in_all >= most {
            waiting.forget_empty(network);
            let retry_after = COME_BACK;
            return Err(UserRefusal::Throttled { retry_after });
        }
        waiting.in_all += 1;
        if let Some(network) = network {
            *waiting.by_network.entry(network).or_default() += 1;
        }
        drop(waiting);
        Ok(Queued {
            queue: self.clone(),
            network,
        })
    }

    fn note(&self, took: Duration) {
        let mut waiting = self.lock();
        waiting.each = (waiting.each * 7 + took) / 8;
    }
}

impl Waiting {
    fn forget_empty(&mut self, network: Option<IpAddr>) {
        if let Some(network) = network
            && self.by_network.get(&network) == Some(&0)
        {
            self.by_network.remove(&network);
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let mut waiting = self.queue.lock();
        waiting.in_all -= 1;
        let count = self.network.and_then(|it| waiting.by_network.get_mut(&it));
        if let Some(count) = count {
            *count -= 1;
        }
        waiting.forget_empty(self.network);
    }
}

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
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self {
            argon2,
            nobody: nobody.into(),
            hashers: Hashers::start(cores)?,
            queue: Arc::new(Queue {
                cores,
                waiting: Mutex::new(Waiting {
                    in_all: 0,
                    by_network: HashMap::new(),
                    each,
                }),
            }),
        })
    }

    /// Returns the hash of a password that a caller at `address` sets.
    pub(super) async fn hash(
        &self,
        address: Option<IpAddr>,
        password: Secret,
    ) -> Result<String, UserError> {
        let argon2 = self.argon2.clone();
        let hash = self.run(address, move || hash_with(&argon2, &nfc(password.reveal())));
        Ok(hash.await??)
    }

    /// Returns whether `password` is the one of `hash`; always false for `None`, which takes as long.
    pub(super) async fn matches(
        &self,
        address: Option<IpAddr>,
        password: Secret,
        hash: Option<String>,
    ) -> Result<bool, UserError> {
        let (argon2, nobody) = (self.argon2.clone(), self.nobody.clone());
        let checked = self.run(address, move || {
            let text = hash.as_deref().unwrap_or(&nobody);
            let parsed = PasswordHash::new(text)
                .map_err(|error| Error::Task(format!("a stored password hash: {error}")))?;
            let given = password.reveal();
            let matches = |text: &str| argon2.verify_password(text.as_bytes(), &parsed).is_ok();
            let normal = nfc(given);
            // Older hashes may be of the characters as they were typed.
            let is_right = matches(&normal) || (*normal != *given && matches(given));
            Ok::<_, Error>(is_right && hash.is_some())
        });
        Ok(checked.await??)
    }

    async fn run<T: Send + 'static>(
        &self,
        address: Option<IpAddr>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, UserError> {
        let queued = self.queue.enter(address)?;
        let (tell, told) = oneshot::channel();
        self.hashers.ask(Box::new(move || {
            // A caller who no longer waits gets no hash.
            if !tell.is_closed() {
                let began = Instant::now();
                let done = work();
                queued.queue.note(began.elapsed());
                let _ = tell.send(done);
            }
        }));
        let done = told.await;
        done.map_err(|_| Error::Task("a password was not hashed".to_owned()).into())
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

    #[test]
    fn nobody_waits_longer_than_a_moment_and_one_network_leaves_room_for_others() {
        let queue = Arc::new(Queue {
            cores: 2,
            waiting: Mutex::new(Waiting {
                in_all: 0,
                by_network: HashMap::new(),
                each: Duration::from_millis(100),
            }),
        });
        let enter = |last: u8| queue.enter(Some(IpAddr::from([192, 0, 2, last])));
        let mut queued: Vec<_> = (0..10).map(|_| enter(1).expect("a place")).collect();
        assert!(matches!(enter(1), Err(UserRefusal::Throttled { .. })));
        queued.extend((0..10).map(|_| enter(2).expect("a place of others")));
        assert!(
            matches!(enter(3), Err(UserRefusal::Throttled { .. })),
            "1 s on 2 cores"
        );
        queued.clear();
        assert!(enter(1).is_ok());
        assert!(queue.lock().by_network.is_empty());
        for _ in 0..50 {
            queue.note(Duration::from_secs(3));
        }
        let slow: Vec<_> = (0..9).filter_map(|_| enter(1).ok()).collect();
        assert_eq!(slow.len(), 2, "somebody is always served");
    }
}
