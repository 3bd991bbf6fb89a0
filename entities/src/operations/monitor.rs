//! One look at the workers for all who watch them in this process. While somebody watches, the status is read once a second,
//! whatever the number of subscriptions and documents, and told when it has changed. Each value has a version that grows, so
//! that who joins others neither misses a change nor is shown an older status after a newer one.

use std::{sync::Arc, time::Duration};

use ::events::{Versioned, WorkersStatus};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep_until},
};

/// The least time between two values.
const INTERVAL: Duration = Duration::from_secs(1);

type Sender = watch::Sender<Arc<Versioned<Arc<WorkersStatus>>>>;
/// What is watched.
pub(super) type StatusWatch = watch::Receiver<Arc<Versioned<Arc<WorkersStatus>>>>;

/// One look at the workers' state for all who watch it; nothing while nobody does.
#[derive(Default)]
pub(super) struct Monitor(Mutex<Option<Arc<Sender>>>);

impl Monitor {
    /// The status now, and its changes. Whoever comes first has it read.
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

/// Reads until nobody watches. What cannot be read now is read a second later: those who watch have the last value.
async fn keep<R, F>(monitor: Arc<Monitor>, sender: Arc<Sender>, read: R)
where
    R: Fn() -> F + Send + Sync,
    F: Future<Output = Result<Versioned<Arc<WorkersStatus>>, ::events::Error>> + Send + 'static,
{
    loop {
        sleep_until(Instant::now() + INTERVAL).await;
        {
            // Under the lock nobody subscribes, so who comes next starts anew.
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
