//! Loads by key, gathered into one statement. Who asks first is served at once; what is asked for while that statement is under
//! way is the next one. So a statement costs nobody a delay, and the busier the process is, the more requests share one. Nothing
//! is kept: a value was loaded after it was asked for. Called by the queries, and by the loaders of `schema`.
//!
//! A statement that takes long must not hold up the others: after `SLOW` the next one begins beside it. Their number is bounded,
//! so all that is asked for here takes no more connections than that, whoever asks; so it takes no turns (`events`, `turns`).
//! Whoever waits is served in the order of asking, and a statement has a bounded number of keys.

use std::{collections::HashMap, hash::Hash, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio::{sync::oneshot, time::timeout};

/// How long a statement may hold up those that were asked for after it began.
const SLOW: Duration = Duration::from_millis(20);
/// The most statements under way besides the one that others wait for.
const MOST_SLOW: usize = 3;
/// The most keys in a statement: its parameters are limited.
const MOST_KEYS: usize = 1_000;

/// What was found for a key.
pub type Found<V> = Result<Option<V>, Arc<::events::Error>>;
type Loaded<K, V> = Result<HashMap<K, V>, Arc<::events::Error>>;
type Load<K, V> = dyn Fn(Vec<K>) -> BoxFuture<'static, Loaded<K, V>> + Send + Sync;

/// Loads values of one kind by key. Clones are the same.
pub struct Gathering<K, V>(Arc<Inner<K, V>>);

impl<K, V> Clone for Gathering<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<K, V> {
    load: Box<Load<K, V>>,
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    waiting: Vec<(K, oneshot::Sender<Found<V>>)>,
    /// Whether a task will take what waits.
    is_attended: bool,
    /// The statements that were slow, and go on.
    slow: usize,
}

impl<K, V> Gathering<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns a gathering whose statements are those of `load`, which gets every key once.
    pub fn new<F>(load: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Loaded<K, V>> + Send + 'static,
    {
        Self(Arc::new(Inner {
            load: Box::new(move |keys| load(keys).boxed()),
            state: Mutex::new(State {
                waiting: Vec::new(),
                is_attended: false,
                slow: 0,
            }),
        }))
    }

    /// Returns the value of the key, if there is one.
    ///
    /// # Errors
    /// Fails when the statement does.
    pub fn load(&self, key: K) -> impl Future<Output = Found<V>> + Send + use<K, V> {
        let asked = self.ask(key);
        self.attend();
        async { asked.await.unwrap_or_else(|_| Err(given_up())) }
    }

    /// Does the same, together with all that the present task asks for before it next yields: the items of a page ask in one poll
    /// of it, and would else take several statements.
    pub async fn load_with_others(&self, key: K) -> Found<V> {
        let asked = self.ask(key);
        tokio::task::yield_now().await;
        self.attend();
        asked.await.unwrap_or_else(|_| Err(given_up()))
    }

    fn ask(&self, key: K) -> oneshot::Receiver<Found<V>> {
        let (sender, asked) = oneshot::channel();
        self.0.state.lock().waiting.push((key, sender));
        asked
    }

    /// Sees to it that a task takes what waits.
    fn attend(&self) {
        let mut state = self.0.state.lock();
        if !state.is_attended && !state.waiting.is_empty() {
            state.is_attended = true;
            drop(state);
            tokio::spawn(self.clone().run());
        }
    }

    /// Runs one statement after the other until nobody waits.
    async fn run(self) {
        while let Some(asked) = self.next() {
            let keys = asked.keys().cloned().collect();
            // What panics must leave this task attending to the others.
            let load = AssertUnwindSafe((self.0.load)(keys)).catch_unwind();
            let mut load = std::pin::pin!(load);
            let (loaded, was_slow) = match timeout(SLOW, load.as_mut()).await {
                Ok(loaded) => (loaded, false),
                Err(_) => {
                    let was_slow = self.step_aside();
                    (load.await, was_slow)
                }
            };
            let loaded = loaded.unwrap_or_else(|_| Err(panicked()));
            answer(asked, loaded);
            if was_slow {
                self.0.state.lock().slow -= 1;
                return;
            }
        }
    }

    /// Returns what the next statement is to load; `None` ends the task.
    fn next(&self) -> Option<Asked<K, V>> {
        let mut state = self.0.state.lock();
        let count = state.waiting.len().min(MOST_KEYS);
        state.is_attended = count > 0;
        if count == 0 {
            return None;
        }
        let mut asked: Asked<K, V> = HashMap::with_capacity(count);
        for (key, sender) in state.waiting.drain(..count) {
            asked.entry(key).or_default().push(sender);
        }
        Some(asked)
    }

    /// Leaves what waits to another task, unless too many are slow already.
    fn step_aside(&self) -> bool {
        let mut state = self.0.state.lock();
        if state.slow == MOST_SLOW {
            return false;
        }
        state.slow += 1;
        state.is_attended = false;
        drop(state);
        self.attend();
        true
    }
}

type Asked<K, V> = HashMap<K, Vec<oneshot::Sender<Found<V>>>>;

fn answer<K: Eq + Hash, V: Clone>(asked: Asked<K, V>, mut loaded: Loaded<K, V>) {
    for (key, mut senders) in asked {
        let found = match &mut loaded {
            Ok(values) => Ok(values.remove(&key)),
            Err(error) => Err(error.clone()),
        };
        // Whoever asked may have gone away.
        let last = senders.pop();
        for sender in senders {
            let _ = sender.send(found.clone());
        }
        if let Some(last) = last {
            let _ = last.send(found);
        }
    }
}

fn panicked() -> Arc<::events::Error> {
    Arc::new(::events::Error::Panicked("a load".to_owned()))
}

fn given_up() -> Arc<::events::Error> {
    Arc::new(::events::Error::Task("the process ends".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;

    const PANICS: u32 = 1_000_001;

    /// A source that counts its statements, and answers one for each permit.
    struct Source {
        statements: AtomicUsize,
        answers: Semaphore,
    }

    impl Source {
        fn of(answers: usize) -> Arc<Self> {
            Arc::new(Self {
                statements: AtomicUsize::new(0),
                answers: Semaphore::new(answers),
            })
        }

        fn statements(&self) -> usize {
            self.statements.load(Ordering::Relaxed)
        }

        /// Returns loads from here. There are values for even numbers; one key panics.
        fn loads(self: &Arc<Self>) -> Gathering<u32, u32> {
            let source = self.clone();
            Gathering::new(move |keys: Vec<u32>| {
                let source = source.clone();
                async move {
                    source.statements.fetch_add(1, Ordering::Relaxed);
                    // It bypasses the hook, which would print it.
                    if keys.contains(&PANICS) {
                        std::panic::resume_unwind(Box::new("as it should"));
                    }
                    source.answers.acquire().await.expect("open").forget();
                    let even = keys.into_iter().filter(|key| key.is_multiple_of(2));
                    Ok(even.map(|key| (key, key * 10)).collect())
                }
            })
        }

        async fn until_statements(&self, count: usize) {
            while self.statements() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }

    async fn check(key: u32, found: impl Future<Output = Found<u32>>) {
        let expected = key.is_multiple_of(2).then_some(key * 10);
        assert_eq!(found.await.expect("an answer"), expected);
    }

    #[tokio::test]
    async fn what_is_asked_for_meanwhile_is_one_statement() {
        let source = Source::of(0);
        let loads = source.loads();
        let first = loads.load(2);
        source.until_statements(1).await;
        let others = (0..60).map(|number| check(number % 20, loads.load(number % 20)));
        let others: Vec<_> = others.collect();
        source.answers.add_permits(2);
        check(2, first).await;
        join_all(others).await;
        assert_eq!(source.statements(), 2);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_page_is_one_statement_however_long_it_takes_to_ask() {
        let source = Source::of(100);
        let loads = source.loads();
        for items in [1, 5, 200] {
            let before = source.statements();
            let asked = (0..items).map(|key| {
                let loads = &loads;
                async move {
                    std::thread::sleep(Duration::from_micros(200));
                    check(key, loads.load_with_others(key)).await;
                }
            });
            join_all(asked).await;
            assert_eq!(source.statements() - before, 1, "{items} items");
        }
    }

    #[tokio::test]
    async fn a_slow_statement_holds_up_nobody_and_their_number_is_bounded() {
        let source = Source::of(0);
        let loads = source.loads();
        let most = MOST_SLOW + 1;
        let mut asked = Vec::new();
        for count in 1..=most {
            let key = count as u32;
            asked.push(check(key, loads.load(key)));
            source.until_statements(count).await;
        }
        asked.push(check(100, loads.load(100)));
        tokio::time::sleep(SLOW * 3).await;
        assert_eq!(source.statements(), most);
        source.answers.add_permits(100);
        join_all(asked).await;
        assert_eq!(source.statements(), most + 1);
        let state = loads.0.state.lock();
        assert!(state.slow == 0 && !state.is_attended && state.waiting.is_empty());
    }

    #[tokio::test]
    async fn who_goes_away_or_panics_leaves_the_others_their_answers() {
        let source = Source::of(100);
        let loads = source.loads();
        drop(loads.load(2));
        let gone = loads.load_with_others(6);
        assert!(gone.now_or_never().is_none());
        assert!(loads.load(PANICS).await.is_err());
        check(4, loads.load(4)).await;
    }
}
