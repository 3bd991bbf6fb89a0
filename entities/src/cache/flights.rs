//! One load for all who miss the same version of a row at the same time. It runs in a task of its own: it goes on when
//! those who wait for it lose patience or go away, and what it brings is kept for those who come next. Whoever comes
//! after a change misses another version, and never joins a load that may have read before the change.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, future};
use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use super::{level::Entry, validity::Version};

/// What a load comes to, for any number of those who wait.
pub(super) type Landing<T> =
    future::Shared<future::BoxFuture<'static, Result<Arc<Entry<T>>, Arc<::events::Error>>>>;

type Key = (Uuid, Version);
type Airborne<T> = Arc<Mutex<HashMap<Key, (Landing<T>, Instant)>>>;

/// The loads that are under way.
pub(super) struct Flights<T>(Airborne<T>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// Takes its flight off the list however it ends.
struct Listed<T>(Airborne<T>, Key);

impl<T> Drop for Listed<T> {
    fn drop(&mut self) {
        lock(&self.0).remove(&self.1);
    }
}

fn lock<T>(flights: &Airborne<T>) -> MutexGuard<'_, HashMap<Key, (Landing<T>, Instant)>> {
    flights.lock()
}

impl<T: Send + Sync + 'static> Flights<T> {
    /// The flight of `key`, or what `start` says: an entry that is there after all, or a load to begin.
    pub(super) fn join<F>(
        &self,
        key: Key,
        start: impl FnOnce() -> Result<F, Arc<Entry<T>>>,
    ) -> Landing<T>
    where
        F: Future<Output = Result<Arc<Entry<T>>, Arc<::events::Error>>> + Send + 'static,
    {
        let mut flights = lock(&self.0);
        if let Some((landing, _)) = flights.get(&key) {
            return landing.clone();
        }
        let load = match start() {
            Ok(load) => load,
            Err(entry) => return future::ready(Ok(entry)).boxed().shared(),
        };
        let listed = Listed(self.0.clone(), key);
        let task = tokio::spawn(async move {
            let landed = load.await;
            // After the entry is kept, so that nobody finds neither.
            drop(listed);
            landed
        });
        let landing = task.map(|landed| {
            landed.unwrap_or_else(|error| Err(Arc::new(::events::Error::Task(error.to_string()))))
        });
        let landing = landing.boxed().shared();
        flights.insert(key, (landing.clone(), Instant::now()));
        landing
    }

    /// Whether the flight has been under way for this long.
    pub(super) fn is_older(&self, key: Key, age: Duration) -> bool {
        let flights = lock(&self.0);
        flights
            .get(&key)
            .is_some_and(|(_, began)| began.elapsed() >= age)
    }
}
