//! The graceful stop: one signal that readiness, the listener and all sockets see, and a count of the sockets that
//! have not gone yet. Once begun it cannot be taken back.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// A handle on the stop; clones are the same stop.
#[derive(Clone, Debug)]
pub struct Shutdown {
    begun: Arc<watch::Sender<bool>>,
    /// Its receivers are the open sockets.
    open: Arc<watch::Sender<()>>,
}

/// Held by each open socket's task until it is gone.
#[derive(Debug)]
pub(crate) struct OpenSocket {
    _counted: watch::Receiver<()>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            begun: Arc::new(watch::Sender::new(false)),
            open: Arc::new(watch::Sender::new(())),
        }
    }
}

impl Shutdown {
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Resolves when the stop has begun.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut begun = self.begun.subscribe();
        async move {
            // The sender may be gone only when the server is; that is a stop as well.
            let _ = begun.wait_for(|begun| *begun).await;
        }
    }

    /// Resolves at a random moment within `spread` after the stop has begun, so that clients do not all reconnect at
    /// once.
    pub(crate) fn wait_jittered(
        &self,
        spread: Duration,
    ) -> impl Future<Output = ()> + Send + use<> {
        let begun = self.wait();
        async move {
            begun.await;
            tokio::time::sleep(jitter(spread)).await;
        }
    }

    pub(crate) fn open_socket(&self) -> OpenSocket {
        OpenSocket {
            _counted: self.open.subscribe(),
        }
    }

    /// The sockets open now.
    #[must_use]
    pub fn open_sockets(&self) -> usize {
        self.open.receiver_count()
    }

    pub(crate) async fn all_sockets_closed(&self) {
        self.open.closed().await;
    }
}

/// A random part of `spread`. Every `RandomState` has keys of its own, which is random enough here.
fn jitter(spread: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8);
    let millis = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random.checked_rem(millis).unwrap_or_default())
}
