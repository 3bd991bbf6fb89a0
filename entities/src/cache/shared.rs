//! The level that all processes share: rows as JSON, each with a stamp that says up to which position of the log it is current.
//! Keys contain the log's epoch and the version of the row's shape, so that values of another history or another release are
//! not misread. Rows are stored here by any process that loads them, and by the follower that warms the cache.

use std::{
    marker::PhantomData,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ::events::{Cursor, SharedStore};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CachedRow;

/// The position that a shared value includes, and when it was loaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    pub(crate) epoch: u32,
    /// The value includes every event up to this position.
    pub(crate) position: u64,
    pub(crate) loaded_at: SystemTime,
}

impl Stamp {
    /// Returns the stamp of a row that is about to be read, or that the event at this position has changed.
    pub(crate) fn at(cursor: Cursor) -> Self {
        Self {
            epoch: cursor.epoch,
            position: cursor.position,
            loaded_at: SystemTime::now(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored<R> {
    position: u64,
    loaded_at_ms: u64,
    row: R,
}

/// The rows that all processes share.
pub(crate) struct SharedLevel<T> {
    store: SharedStore,
    lifetime: Duration,
    rows: PhantomData<fn() -> T>,
}

fn key<T: CachedRow>(epoch: u32, id: Uuid) -> String {
    format!("cache:{}:{}:{epoch:08x}:{id}", T::STREAM, T::SHAPE)
}

fn encode<T: CachedRow>(id: Uuid, row: &T, stamp: Stamp) -> Option<(String, Vec<u8>)> {
    let since_epoch = stamp.loaded_at.duration_since(UNIX_EPOCH);
    let stored = Stored {
        position: stamp.position,
        loaded_at_ms: since_epoch.unwrap_or_default().as_millis() as u64,
        row,
    };
    // A row that cannot be written as JSON is not shared.
    let bytes = serde_json::to_vec(&stored).ok()?;
    Some((key::<T>(stamp.epoch, id), bytes))
}

impl<T: CachedRow> SharedLevel<T> {
    pub(crate) fn new(store: SharedStore, lifetime: Duration) -> Self {
        Self {
            store,
            lifetime,
            rows: PhantomData,
        }
    }

    /// Returns the stored value, which may be out of date.
    pub(super) async fn get(&self, epoch: u32, id: Uuid) -> Option<(T, Stamp)> {
        let bytes = self.store.get(&key::<T>(epoch, id)).await?;
        let mut stored: Stored<T> = serde_json::from_slice(&bytes).ok()?;
        stored.row.restore();
        let stamp = Stamp {
            epoch,
            position: stored.position,
            loaded_at: UNIX_EPOCH + Duration::from_millis(stored.loaded_at_ms),
        };
        Some((stored.row, stamp))
    }

    /// Stores rows; returns false if that is not possible now.
    pub(crate) async fn put_all(&self, rows: &[(Uuid, &T, Stamp)]) -> bool {
        let entries: Vec<_> = rows
            .iter()
            .filter_map(|(id, row, stamp)| encode(*id, *row, *stamp))
            .collect();
        entries.len() == rows.len() && self.store.set(&entries, self.lifetime).await
    }

    /// Removes rows that are gone; returns false if that is not possible now.
    pub(crate) async fn remove_all(&self, epoch: u32, ids: &[Uuid]) -> bool {
        let keys: Vec<_> = ids.iter().map(|id| key::<T>(epoch, *id)).collect();
        self.store.delete(&keys).await
    }

    /// Stores a row in the background.
    pub(super) fn put_later(&self, id: Uuid, row: &T, stamp: Stamp) {
        let Some(entry) = encode(id, row, stamp) else {
            return;
        };
        let (store, lifetime) = (self.store.clone(), self.lifetime);
        tokio::spawn(async move { store.set(&[entry], lifetime).await });
    }
}
