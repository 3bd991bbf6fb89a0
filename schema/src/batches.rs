//! Loads by key, many in one statement. What asks for them in one page asks in one go of its task, so a batch begins when
//! the task next pauses: no sooner, or the page would cost several statements; and no later, for there is no time to
//! wait for that fits both an idle and a busy machine. Nothing is kept: requests at the same moment share a batch.

use std::{
    hash::Hash,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use async_graphql::dataloader::{DataLoader, Loader};
use futures::{future::BoxFuture, poll};

/// Keys of a batch that does not wait for more: the parameters of a statement are limited.
const BATCH_KEYS: usize = 1000;

/// Loads that are to begin at the next pause.
type Due = Arc<Mutex<Vec<BoxFuture<'static, ()>>>>;

/// A data loader for the schema's data.
pub(crate) struct Batches<L> {
    loader: DataLoader<L>,
    due: Due,
}

impl<L> Batches<L> {
    pub(crate) fn new(loader: L) -> Self {
        let due = Due::default();
        let begun = due.clone();
        let spawn = move |load| {
            let mut due = begun.lock().unwrap_or_else(PoisonError::into_inner);
            due.push(load);
        };
        Self {
            loader: DataLoader::new(loader, spawn)
                .delay(Duration::ZERO)
                .max_batch_size(BATCH_KEYS),
            due,
        }
    }

    /// What the loader finds for the key, loaded together with all other keys that are asked for now.
    pub(crate) async fn load_one<K>(&self, key: K) -> Result<Option<L::Value>, L::Error>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        L: Loader<K>,
    {
        let mut load = pin!(self.loader.load_one(key));
        if let Poll::Ready(loaded) = poll!(load.as_mut()) {
            return loaded;
        }
        tokio::task::yield_now().await;
        self.begin();
        load.await
    }

    /// Loads run in tasks of their own: whoever comes back first begins them, and may go away before they end.
    fn begin(&self) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        for load in due.drain(..) {
            tokio::spawn(load);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::HashMap,
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures::{FutureExt, future::join_all};

    /// Counts its calls; knows the even numbers.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Loader<u32> for Counting {
        type Value = u32;
        type Error = Infallible;

        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>, Infallible> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let even = keys.iter().filter(|key| *key % 2 == 0);
            Ok(even.map(|key| (*key, key * 10)).collect())
        }
    }

    /// A page whose items take their time to ask.
    async fn page(batches: &Batches<Counting>, items: u32) {
        let asked = (0..items).map(|key| async move {
            std::thread::sleep(Duration::from_micros(200));
            let found = batches.load_one(key).await;
            assert_eq!(found, Ok((key % 2 == 0).then_some(key * 10)));
        });
        join_all(asked).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_page_is_one_load_however_long_it_takes_to_ask() {
        let batches = Batches::new(Counting::default());
        for items in [1, 5, 200] {
            let before = batches.loader.loader().0.load(Ordering::Relaxed);
            page(&batches, items).await;
            let after = batches.loader.loader().0.load(Ordering::Relaxed);
            assert_eq!(after - before, 1, "{items} items");
        }
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_others_their_answers() {
        let batches = Batches::new(Counting::default());
        assert!(batches.load_one(2).now_or_never().is_none());
        assert_eq!(batches.load_one(4).await, Ok(Some(40)));
        assert_eq!(batches.loader.loader().0.load(Ordering::Relaxed), 1);
    }
}
