//! Which connections may be used after one has missed a deadline: the others are then likely to be silent, too. Noted by `lease`, and
//! asked by the pools before they hand a connection out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a connection may take to answer a ping. Somebody waits for it.
pub(super) const PING_LIMIT: Duration = Duration::from_millis(500);
/// A connection that was idle for this long is pinged before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(5);
/// For this long after a silence, all connections from before it are pinged before they are used.
const SUSPICION: Duration = Duration::from_secs(60);

/// When a connection of a pool last missed a deadline. The others are then likely to be silent as well.
#[derive(Clone)]
pub(super) struct Silence {
    began: Instant,
    /// In milliseconds since `began`; 0 when there was none.
    last_ms: Arc<AtomicU64>,
}

impl Silence {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            last_ms: Arc::default(),
        }
    }

    pub(super) fn note(&self) {
        let now = self.began.elapsed().as_millis() as u64;
        self.last_ms.store(now.max(1), Ordering::Relaxed);
    }

    /// Returns how long ago the last silence was, if it was recent.
    fn age(&self) -> Option<Duration> {
        let last = match self.last_ms.load(Ordering::Relaxed) {
            0 => return None,
            last => Duration::from_millis(last),
        };
        let age = self.began.elapsed().saturating_sub(last);
        (age < SUSPICION).then_some(age)
    }

    /// Returns whether a connection has to answer before it is used: it was idle, or is from before a silence.
    pub(super) fn doubts(&self, age: Duration, idle_for: Duration) -> bool {
        let is_suspect = self.age().is_some_and(|silence| age > silence);
        idle_for >= TRUSTED_IDLE || is_suspect
    }
}
