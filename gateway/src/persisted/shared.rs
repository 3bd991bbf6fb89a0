//! Registered documents on their way between gateways. What comes from there is checked by its hash, and what goes there is bounded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::SharedStore;
use parking_lot::Mutex;

use super::{ENTRY_BYTES, Hash, hash_of};

/// How long a document stays in Redis.
pub(super) const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The store of all gateways, with what this one may still hand to it.
pub(super) struct Shared {
    store: SharedStore,
    quota: Mutex<Quota>,
    most: (usize, usize),
}

/// What is left of a lifetime's bytes and documents.
struct Quota {
    since: Instant,
    bytes: usize,
    documents: usize,
}

impl Quota {
    fn full(bytes: usize, documents: usize) -> Self {
        Self {
            since: Instant::now(),
            bytes,
            documents,
        }
    }

    fn take(&mut self, bytes: usize) -> bool {
        let left = (self.bytes.checked_sub(bytes)).zip(self.documents.checked_sub(1));
        let Some((bytes, documents)) = left else {
            return false;
        };
        (self.bytes, self.documents) = (bytes, documents);
        true
    }
}

impl Shared {
    /// Creates what hands at most so many bytes and documents to the store within a lifetime.
    pub(super) fn new(store: SharedStore, bytes: usize, documents: usize) -> Self {
        Self {
            store,
            quota: Mutex::new(Quota::full(bytes, documents)),
            most: (bytes, documents),
        }
    }

    pub(super) async fn get(&self, hash: &Hash) -> Option<Arc<str>> {
        let text = String::from_utf8(self.store.get(&key(hash)).await?).ok()?;
        (hash_of(&text) == *hash).then(|| text.into())
    }

    /// Hands a document to the other gateways in the background; returns false when too much was handed on already.
    pub(super) fn hand_on(&self, hash: &Hash, text: &str) -> bool {
        let mut quota = self.quota.lock();
        if quota.since.elapsed() >= LIFETIME {
            *quota = Quota::full(self.most.0, self.most.1);
        }
        if !quota.take(text.len() + ENTRY_BYTES) {
            return false;
        }
        drop(quota);
        let (store, entry) = (self.store.clone(), (key(hash), text.as_bytes().to_vec()));
        tokio::spawn(async move { store.set(&[entry], LIFETIME).await });
        true
    }
}

pub(super) fn key(hash: &Hash) -> String {
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("document:{hex}")
}

/// Returns whether the document may have a mutation with a text in it, whichever of its operations is executed.
pub(super) fn may_hold_secrets(text: &str) -> bool {
    text.contains("mutation") && text.contains('"')
}
