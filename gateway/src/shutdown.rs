//! The graceful stop, in two steps that readiness, the listener, connections and sockets observe, and a count of the sockets still open.
//! While the process drains it serves all requests, and tells clients to go elsewhere; once the stop has begun it accepts nothing new.
//! Neither step can be undone.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// A handle on the stop; clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown {
    step: Arc<watch::Sender<Step>>,
    /// Each open socket holds a receiver.
    open: Arc<watch::Sender<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Serving,
    Draining,
    Stopping,
}

/// Held by each open socket's task until the socket is gone.
#[derive(Debug)]
pub(crate) struct OpenSocket {
    _counted: watch::Receiver<()>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            step: Arc::new(watch::Sender::new(Step::Serving)),
            open: Arc::new(watch::Sender::new(())),
        }
    }
}

impl Shutdown {
    /// Begins to drain: clients should go elsewhere, and are still served.
    pub fn drain(&self) {
        self.step.send_if_modified(|step| {
            let is_first = *step == Step::Serving;
            *step = (*step).max(Step::Draining);
            is_first
        });
    }

    pub fn begin(&self) {
        self.step.send_replace(Step::Stopping);
    }

    /// Returns whether clients should go elsewhere: the process drains, or stops.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.step.borrow() >= Step::Draining
    }

    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.step.borrow() >= Step::Stopping
    }

    /// Resolves when the process drains, or stops.
    pub(crate) fn wait_draining(&self) -> impl Future<Output = ()> + Send + use<> {
        self.wait_for(Step::Draining)
    }

    /// Resolves when the stop has begun.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        self.wait_for(Step::Stopping)
    }

    fn wait_for(&self, wanted: Step) -> impl Future<Output = ()> + Send + use<> {
        let mut step = self.step.subscribe();
        async move {
            // The sender may be gone only when the server is; that counts as a stop as well.
            let _ = step.wait_for(|step| *step >= wanted).await;
        }
    }

    /// Resolves at a random moment within `spread` after the stop has begun, so that clients do not all reconnect at once.
    pub(crate) fn wait_jittered(
        &self,
        spread: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let begun = self.wait();
        async move {
            begun.await;
            // The future is boxed, because every open socket has one of these.
            Box::pin(tokio::time::sleep(jitter(spread))).await;
        }
    }

    pub(crate) fn open_socket(&self) -> OpenSocket {
        OpenSocket {
            _counted: self.open.subscribe(),
        }
    }

    /// Returns the number of open sockets.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.open.receiver_count()
    }

    pub(crate) async fn all_sockets_closed(&self) {
        self.open.closed().await;
    }
}

/// Returns a random part of `spread`. Every `RandomState` has its own keys, which is random enough here.
fn jitter(spread: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8);
    let millis = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random.checked_rem(millis).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stop_follows_the_drain_and_is_not_taken_back() {
        let shutdown = Shutdown::default();
        assert!(!shutdown.is_draining());
        shutdown.drain();
        shutdown.wait_draining().await;
        assert!(shutdown.is_draining() && !shutdown.has_begun());
        shutdown.begin();
        shutdown.drain();
        shutdown.wait().await;
        assert!(shutdown.is_draining() && shutdown.has_begun());
    }
}
