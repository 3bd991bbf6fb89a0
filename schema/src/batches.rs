//! The loaders of the schema. What a page's items ask for in one poll of its request, and what other requests ask for while a
//! statement is under way, is one statement: see `entities::gathering`. Nothing is cached.
//!
//! async-graphql's loader waits a millisecond for more keys, and no fixed delay fits both an idle and a busy machine: for pages
//! of 20 posts with authors and comments, over 8 connections, it took 7% more processor time and more statements than one that
//! begins when the request's task next yields; for a page of 100 items at 60 µs each it took 11 statements instead of 1.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    hash::Hash,
    sync::Arc,
};

use async_graphql::dataloader::Loader;
use entities::gathering::{Found, Gathering};
use parking_lot::Mutex;

use crate::reads::Reads;

/// A loader that knows what its values are read from.
pub(crate) trait Noted<K: Send + Sync + Hash + Eq + Clone + 'static>: Loader<K> {
    /// Notes what was read for the key: the events after which there may be another value, or one.
    fn note(reads: &Reads, key: &K, found: Option<&Self::Value>);
}

/// A loader for the schema's data.
pub(crate) struct Batches<L> {
    loader: Arc<L>,
    /// A `Gathering` for each type of key.
    gatherings: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

impl<L: Send + Sync + 'static> Batches<L> {
    pub(crate) fn new(loader: L) -> Self {
        Self {
            loader: Arc::new(loader),
            gatherings: Mutex::default(),
        }
    }

    /// Returns the loader's value for the key, loaded together with all other keys that are requested at the moment.
    pub(crate) async fn load_one<K>(&self, reads: Option<&Reads>, key: K) -> Found<L::Value>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        L: Loader<K, Error = Arc<events::Error>> + Noted<K>,
    {
        let Some(reads) = reads.filter(|reads| reads.is_recording()) else {
            return self.of::<K>().load_with_others(key).await;
        };
        let found = self.of::<K>().load_with_others(key.clone()).await;
        L::note(reads, &key, found.as_ref().ok().and_then(Option::as_ref));
        found
    }

    fn of<K>(&self) -> Gathering<K, L::Value>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        L: Loader<K, Error = Arc<events::Error>>,
    {
        let mut gatherings = self.gatherings.lock();
        let of_type = gatherings.entry(TypeId::of::<K>()).or_insert_with(|| {
            let loader = self.loader.clone();
            let load = move |keys: Vec<K>| {
                let loader = loader.clone();
                async move { loader.load(&keys).await }
            };
            Box::new(Gathering::new(load))
        });
        match of_type.downcast_ref::<Gathering<K, L::Value>>() {
            Some(gathering) => gathering.clone(),
            None => unreachable!("the type is the key"),
        }
    }
}
