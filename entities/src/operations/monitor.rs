//! The status of the workers, shared by all who watch it in this process. While there is a watcher, the status is read once a
//! second, whatever the number of subscriptions and documents, and sent when it has changed. Each value has a growing version,
//! so that a watcher that joins neither misses a change nor gets an older status after a newer one.

use std::{sync::Arc, time::Duration};

use ::events::{Versioned, WorkersStatus};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep_until},
};

/// The shortest time between two values.
const INTERVAL: Duration = Duration::from_secs(1);

type Sender = watch::Sender<Arc<Versioned<Arc<WorkersStatus>>>>;
/// A receiver of the status.
pub(super) type StatusWatch = watch::Receiver<Arc<Versioned<Arc<WorkersStatus>>>>;

/// The shared status; empty while nobody watches.
#[derive(Default)]
pub(super) struct Monitor(Mutex<Option<Arc<Sender>>>);

impl Monitor {
    /// Returns the current status and its changes. The first watcher starts the reading.
    pub(super) async fn watch<R, F>(
        self: &Arc<Self>,
        read: R,
    ) -> Result<StatusWatch, ::events::Error>
    where
        R: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<Versioned<Arc<WorkersStatus>>, ::events::Error>> + Send + 'static,
    {
        let mut current = self.0.lock().await;
        if let Some(sender) = &*current {
            return Ok(sender.subscribe());
        }
        let (sender, receiver) = watch::channel(Arc::new(read().await?));
        let sender = Arc::new(sender);
        *current = Some(sender.clone());
        tokio::spawn(keep(self.clone(), sender, read));
        Ok(receiver)
    }
}

/// Reads until nobody watches. After a failure it tries again a second later; watchers keep the last value.
async fn keep<R, F>(monitor: Arc<Monitor>, sender: Arc<Sender>, read: R)
where
    R: Fn() -> F + Send + Sync,
    F: Future<Output = Result<Versioned<Arc<WorkersStatus>>, ::events::Error>> + Send + 'static,
{
    loop {
        sleep_until(Instant::now() + INTERVAL).await;
        {
            // Nobody can subscribe while the lock is held, so the next watcher starts a new reading.
            let mut current = monitor.0.lock().await;
            if sender.receiver_count() == 0 {
                *current = None;
                return;
            }
        }
        match read().await {
            Ok(status) => {
                sender.send_if_modified(|known| {
                    let is_news = status.value.differs_from(&known.value);
                    if is_news {
                        *known = Arc::new(status);
                    }
                    is_news
                });
            }
            Err(error) => tracing::debug!(%error, "the status of the workers cannot be read now"),
        }
    }
}
