//! Loads by key, gathered into one statement: what is asked for while one is under way is the next (`events::Together`). So a
//! statement costs nobody a delay, and the busier the process is, the more requests share one. Nothing is kept: a value was loaded
//! after it was asked for. Called by the queries, and by the loaders of `schema`.
//!
//! The number of statements is bounded, so all that is asked for here takes no more connections than that, whoever asks; so it
//! takes no turns (`events`, `turns`). Whoever waits is served in the order of asking.

use std::{collections::HashMap, hash::Hash, sync::Arc, time::Duration};

use ::events::{Bounds, Caller, Group, Members, Together};
use futures::{FutureExt, future::BoxFuture};

const BOUNDS: Bounds = Bounds {
    // The parameters of a statement are limited.
    members: 1_000,
    slow_after: Duration::from_millis(20),
    most_slow: 3,
    // As long as a statement may take.
    patience: Duration::from_secs(10),
};

/// What was found for a key.
pub type Found<V> = Result<Option<V>, Arc<::events::Error>>;
type Loaded<K, V> = Result<HashMap<K, V>, Arc<::events::Error>>;

/// Loads values of one kind by key. Clones are the same.
pub struct Gathering<K: Key, V: Value>(Together<Loads<K, V>>);

/// What values can be loaded by.
pub trait Key: Clone + Eq + Hash + Send + Sync + 'static {}
impl<K: Clone + Eq + Hash + Send + Sync + 'static> Key for K {}

/// What can be loaded.
pub trait Value: Clone + Send + Sync + 'static {}
impl<V: Clone + Send + Sync + 'static> Value for V {}

type Load<K, V> = dyn Fn(Vec<K>) -> BoxFuture<'static, Loaded<K, V>> + Send + Sync;

struct Loads<K, V>(Box<Load<K, V>>);

impl<K: Key, V: Value> Clone for Gathering<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Key, V: Value> Gathering<K, V> {
    /// Returns a gathering whose statements are those of `load`, which gets every key once.
    pub fn new<F>(load: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Loaded<K, V>> + Send + 'static,
    {
        let loads = Loads(Box::new(move |keys| load(keys).boxed()));
        Self(Together::new(loads, BOUNDS))
    }

    /// Returns the value of the key, if there is one.
    ///
    /// # Errors
    /// Fails when the statement does.
    pub async fn load(&self, key: K) -> Found<V> {
        self.0
            .ask(key)
            .await
            .unwrap_or_else(|error| Err(error.into()))
    }

    /// Does the same, together with all that the present task asks for before it next yields: the items of a page ask in one poll
    /// of it, and would else take several statements.
    pub async fn load_with_others(&self, key: K) -> Found<V> {
        let asked = self.0.ask_with_others(key).await;
        asked.unwrap_or_else(|error| Err(error.into()))
    }
}

impl<K: Key, V: Value> Group for Loads<K, V> {
    type Member = K;
    type Answer = Found<V>;

    const NAME: &'static str = "load";

    fn run(&self, members: Members<Self>) -> BoxFuture<'_, ()> {
        let mut asked: HashMap<K, Vec<Caller<Found<V>>>> = HashMap::with_capacity(members.len());
        for (key, caller) in members {
            asked.entry(key).or_default().push(caller);
        }
        Box::pin(async move {
            let mut loaded = (self.0)(asked.keys().cloned().collect()).await;
            for (key, mut callers) in asked {
                let found = match &mut loaded {
                    Ok(values) => Ok(values.remove(&key)),
                    Err(error) => Err(error.clone()),
                };
                let last = callers.pop();
                for caller in callers {
                    caller.answer(found.clone());
                }
                if let Some(last) = last {
                    last.answer(found);
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_statement_has_every_key_once_and_everybody_gets_their_value() {
        let (statements, keys) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = (statements.clone(), keys.clone());
        let loads = Gathering::new(move |keys: Vec<u32>| {
            counted.0.fetch_add(1, Ordering::Relaxed);
            counted.1.fetch_add(keys.len(), Ordering::Relaxed);
            // There are values for even numbers.
            let even = keys.into_iter().filter(|key| key.is_multiple_of(2));
            let values = even.map(|key| (key, key * 10)).collect();
            async { Ok(values) }
        });
        let asked = (0..60).map(|number| loads.load_with_others(number % 20));
        for (number, found) in join_all(asked).await.into_iter().enumerate() {
            let key = number as u32 % 20;
            let expected = key.is_multiple_of(2).then_some(key * 10);
            assert_eq!(found.expect("an answer"), expected);
        }
        let (statements, keys) = (
            statements.load(Ordering::Relaxed),
            keys.load(Ordering::Relaxed),
        );
        assert_eq!((statements, keys), (1, 20));
    }

    #[tokio::test]
    async fn a_statement_that_fails_fails_for_all_of_its_keys() {
        let loads = Gathering::<u32, u32>::new(|_| async { Err(::events::Error::Crowded.into()) });
        for found in join_all((0..3).map(|key| loads.load_with_others(key))).await {
            assert!(found.is_err());
        }
    }
}
