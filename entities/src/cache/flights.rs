//! Loads shared by all concurrent misses of the same version of a row. A load runs in a task of its own: it goes on when its
//! waiters lose patience or go away, and its result is kept for later requests. A request that comes after a change misses
//! another version, and never joins a load that may have read before the change.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{FutureExt, future};
use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use super::{level::Entry, validity::Version};

/// The result of a load, for any number of waiters.
pub(super) type Landing<T> =
    future::Shared<future::BoxFuture<'static, Result<Arc<Entry<T>>, Arc<::events::Error>>>>;

type Key = (Uuid, Version);
type Airborne<T> = Arc<Mutex<HashMap<Key, (Landing<T>, Instant)>>>;

/// The loads in flight.
pub(super) struct Flights<T>(Airborne<T>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// Takes its flight off the list when dropped, however the flight ends.
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
    /// Joins the flight of `key`, or does as `start` says: it returns an entry that has arrived meanwhile, or begins a load.
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
        let task = tokio::spawn(::events::trace::carried(async move {
            let landed = load.await;
            // This comes after the entry is kept, so that every request finds either the flight or the entry.
            drop(listed);
            landed
        }));
        let landing = task.map(|landed| {
            landed.unwrap_or_else(|error| Err(Arc::new(::events::Error::Task(error.to_string()))))
        });
        let landing = landing.boxed().shared();
        flights.insert(key, (landing.clone(), Instant::now()));
        landing
    }

    /// Returns whether the flight has taken at least this long.
    pub(super) fn is_older(&self, key: Key, age: Duration) -> bool {
        let flights = lock(&self.0);
        flights
            .get(&key)
            .is_some_and(|(_, began)| began.elapsed() >= age)
    }
}
