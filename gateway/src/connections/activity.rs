//! What is going on on a connection, and how long it may go on: whoever says nothing, or takes nothing, is not waited for. A first
//! request has to be there soon; between two requests there is more time; a body that its client does not take ends its connection. Told
//! by `stream` and by the service in `connections`, looked at by the task of the connection and by `places`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a client is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// For a first request, from the first packet of the connection to the end of its headers.
    pub(crate) first_request: Duration,
    /// For the next one, or for its headers.
    pub(crate) next_request: Duration,
    /// For it to take something of an answer.
    pub(crate) stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_request: Duration::from_secs(15),
            // Longer than the usual 60 s of proxies, which else would now and then send a request on a connection that is just being closed.
            next_request: Duration::from_secs(75),
            stall: Duration::from_secs(60),
        }
    }
}

/// Moments are kept as milliseconds since this one.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What is going on on a connection.
pub(crate) struct Activity {
    patience: Patience,
    /// Requests that are executed, and event streams.
    running: AtomicUsize,
    /// These, answers that are not sent yet, and WebSockets.
    held: AtomicUsize,
    is_http2: AtomicBool,
    has_served: AtomicBool,
    /// Since when nothing is held.
    idle_since: AtomicU64,
    /// When the client last took something.
    wrote_at: AtomicU64,
    /// Bytes that came.
    read: AtomicU64,
    /// Since when each answer waits for its client, by number.
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
            read: AtomicU64::new(0),
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

/// Held as long as the connection is not idle.
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
    /// The client is to take something.
    pub(super) fn for_client(&self) {
        self.activity.waiting.lock().insert(self.answer, now());
    }

    /// There is nothing for the client to take.
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

    pub(super) fn note_read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn note_written(&self) {
        self.wrote_at.store(now(), Ordering::Relaxed);
    }

    /// Bytes that came from the client.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// For how long nothing was done, in milliseconds; `None` when something is.
    pub(super) fn idle_for(&self) -> Option<u64> {
        let is_idle = self.held.load(Ordering::Acquire) == 0;
        is_idle.then(|| now().saturating_sub(self.idle_from()))
    }

    /// The rest of an answer may still be on its way when all of it was handed over. On HTTP/2 what is written may be
    /// no answer.
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

    /// Resolves when the connection should end, as its client does nothing; says why.
    pub(super) async fn overdue(&self) -> &'static str {
        loop {
            let (why, left) = self.time_left();
            if left.is_zero() {
                return why;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                () = self.leave.notified() => {
                    if self.idle_for().is_some() {
                        return "others need its place";
                    }
                }
            }
        }
    }

    /// How long it may go on as it is.
    fn time_left(&self) -> (&'static str, Duration) {
        let left = |since: u64, limit: Duration| {
            limit.saturating_sub(Duration::from_millis(now().saturating_sub(since)))
        };
        if self.held.load(Ordering::Acquire) == 0 {
            // Somebody is to be asked for: it gets no more time once it is idle again.
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
