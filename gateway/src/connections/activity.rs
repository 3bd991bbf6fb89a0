//! The activity on a connection, and the time limits on it: a client that sends nothing, or takes nothing, is not waited for. The first
//! request has to arrive soon; between two requests there is more time; an answer that its client does not take ends its connection.
//! Recorded by `stream` and by the service in `connections`, read by the connection's task and by `places`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a connection that is asked to leave may take to read a request that has arrived.
const UNREAD: Duration = Duration::from_millis(50);

/// How long to wait for a client.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// For the first request: from the first packet of the connection to the end of its headers.
    pub(crate) first_request: Duration,
    /// For the next request, or for its headers.
    pub(crate) next_request: Duration,
    /// For the client to take some of an answer.
    pub(crate) stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_request: Duration::from_secs(15),
            // This is longer than the usual 60 s of proxies, which would otherwise sometimes send a request on a connection that is just
            // being closed.
            next_request: Duration::from_secs(75),
            stall: Duration::from_secs(60),
        }
    }
}

/// The origin of the moments below, which are kept as milliseconds since it.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The activity on a connection.
pub(crate) struct Activity {
    patience: Patience,
    /// Requests being executed, and event streams.
    running: AtomicUsize,
    /// These, answers that are not sent yet, and WebSockets.
    held: AtomicUsize,
    is_http2: AtomicBool,
    has_served: AtomicBool,
    /// The time since when nothing is held.
    idle_since: AtomicU64,
    /// The time when the client last took something.
    wrote_at: AtomicU64,
    /// The time since when each answer, by number, waits for its client.
    waiting: Mutex<HashMap<u64, u64>>,
    next_answer: AtomicU64,
    is_asked_to_leave: AtomicBool,
    leave: Notify,
}

impl Activity {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            running: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            is_http2: AtomicBool::new(false),
            has_served: AtomicBool::new(false),
            idle_since: AtomicU64::new(now()),
            wrote_at: AtomicU64::new(0),
            waiting: Mutex::default(),
            next_answer: AtomicU64::new(0),
            is_asked_to_leave: AtomicBool::new(false),
            leave: Notify::new(),
        }
    }
}

/// Held while a request is executed.
pub(super) struct Running(Arc<Activity>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Held while the connection is not idle.
pub(crate) struct Hold(Arc<Activity>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.idle_since.store(now(), Ordering::Relaxed);
        self.0.held.fetch_sub(1, Ordering::Release);
    }
}

/// An answer on its way to its client.
pub(super) struct Waiting {
    activity: Arc<Activity>,
    answer: u64,
}

impl Waiting {
    /// Notes that the client has something to take.
    pub(super) fn for_client(&self) {
        self.activity.waiting.lock().insert(self.answer, now());
    }

    /// Notes that there is nothing for the client to take.
    pub(super) fn for_us(&self) {
        self.activity.waiting.lock().remove(&self.answer);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.for_us();
    }
}

impl Activity {
    pub(super) fn run(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(self.clone())
    }

    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.held.fetch_add(1, Ordering::Acquire);
        Hold(self.clone())
    }

    pub(super) fn answer(self: &Arc<Self>) -> Waiting {
        let answer = self.next_answer.fetch_add(1, Ordering::Relaxed);
        let activity = self.clone();
        let waiting = Waiting { activity, answer };
        waiting.for_client();
        waiting
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    pub(super) fn note_request(&self, is_http2: bool) {
        self.has_served.store(true, Ordering::Relaxed);
        if is_http2 {
            self.is_http2.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    pub(super) fn note_written(&self) {
        self.wrote_at.store(now(), Ordering::Relaxed);
    }

    /// Returns for how long the connection has been idle, in milliseconds; `None` when it is not.
    pub(super) fn idle_for(&self) -> Option<u64> {
        let is_idle = self.held.load(Ordering::Acquire) == 0;
        is_idle.then(|| now().saturating_sub(self.idle_from()))
    }

    /// Returns since when it is idle. The rest of an answer may still be under way after all of it was handed over. On HTTP/2 a write
    /// need not be an answer.
    fn idle_from(&self) -> u64 {
        let since = self.idle_since.load(Ordering::Relaxed);
        match self.is_http2() {
            true => since,
            false => since.max(self.wrote_at.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn ask_to_leave(&self) {
        self.is_asked_to_leave.store(true, Ordering::Relaxed);
        self.leave.notify_one();
    }

    #[cfg(test)]
    pub(super) fn is_asked_to_leave(&self) -> bool {
        self.is_asked_to_leave.load(Ordering::Relaxed)
    }

    /// Resolves with the reason when the connection should end because its client does nothing. One that is asked to leave is given
    /// a moment first: its request may have arrived, and not have been read.
    pub(super) async fn overdue(&self) -> &'static str {
        let mut was_given_a_moment = false;
        loop {
            let (why, left) = self.time_left();
            let is_asked = self.is_asked_to_leave.load(Ordering::Relaxed);
            if left.is_zero() && (was_given_a_moment || !is_asked) {
                return why;
            }
            if left.is_zero() {
                was_given_a_moment = true;
                tokio::time::sleep(UNREAD).await;
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                () = self.leave.notified() => {}
            }
        }
    }

    /// Returns the time left in the present state.
    fn time_left(&self) -> (&'static str, Duration) {
        let left = |since: u64, limit: Duration| {
            limit.saturating_sub(Duration::from_millis(now().saturating_sub(since)))
        };
        if self.held.load(Ordering::Acquire) == 0 {
            // It was asked to make room, so it gets no more time once it is idle again.
            return match self.has_served.load(Ordering::Relaxed) {
                _ if self.is_asked_to_leave.load(Ordering::Relaxed) => {
                    ("others need its place", Duration::ZERO)
                }
                true => (
                    "no further request came",
                    left(self.idle_from(), self.patience.next_request),
                ),
                false => (
                    "no request came",
                    left(self.idle_from(), self.patience.first_request),
                ),
            };
        }
        let oldest = self.waiting.lock().values().min().copied();
        let oldest = oldest.unwrap_or_else(now);
        (
            "the client takes nothing",
            left(oldest, self.patience.stall),
        )
    }
}
