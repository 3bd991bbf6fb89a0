//! The queue before the threads that hash. A hash takes long and much memory, so it is made off the async threads, and of all who want one as
//! many wait as are served within a moment; of one network, half of them. Called by `passwords`.

use std::{
    collections::HashMap,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use events::Error;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::users::{UserError, UserRefusal, throttle::network_of};

/// The longest that a request waits for others' passwords; half of it for others from the same network.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// When a refused caller may try again.
const COME_BACK: Duration = Duration::from_secs(1);

/// The threads, and who waits for them.
#[derive(Clone)]
pub(super) struct Hashing {
    hashers: Hashers,
    queue: Arc<Queue>,
}

impl Hashing {
    /// Starts a thread for each core; one hash takes about as long as `each`.
    pub(super) fn start(each: Duration) -> Result<Self, String> {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let waiting = Waiting {
            in_all: 0,
            by_network: HashMap::new(),
            each,
        };
        Ok(Self {
            hashers: Hashers::start(cores)?,
            queue: Arc::new(Queue {
                cores,
                waiting: Mutex::new(waiting),
            }),
        })
    }

    /// Makes a hash, or several that belong together, on one of the threads, in its turn. How long it takes says how many may wait.
    pub(super) async fn hash<T: Send + 'static>(
        &self,
        address: Option<IpAddr>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, UserError> {
        let queue = self.queue.clone();
        let measured = move || {
            let began = Instant::now();
            let done = work();
            queue.note(began.elapsed());
            done
        };
        self.run(address, measured).await
    }

    /// Does work that takes no longer than a hash on one of the threads, in its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        address: Option<IpAddr>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, UserError> {
        let queued = self.queue.enter(address)?;
        let (tell, told) = oneshot::channel();
        self.hashers.ask(Box::new(move || {
            // Nothing is done for a caller who no longer waits.
            if !tell.is_closed() {
                let _ = tell.send(work());
            }
            drop(queued);
        }));
        let done = told.await;
        done.map_err(|_| Error::Task("a password was not hashed".to_owned()).into())
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

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
