//! Tests of the cache against a log and a source that can lag, be slow or fail; and a test with many concurrent readers that no
//! unmarked value is older than its cursor.

mod promise;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use ::events::{Cursor, Error, SharedStore};
use sea_orm::{DbErr, RuntimeErr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Cache, CacheConfig, Cached, CachedRow, Present};

const ID: Uuid = Uuid::from_u128(7);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row(u64);

impl CachedRow for Row {
    const STREAM: &'static str = "row";
    const SHAPE: u16 = 1;

    fn is_ended_by(event_type: &str) -> bool {
        event_type == "RowDeleted"
    }

    fn restore(&mut self) {}
}

/// The log as a cache sees it.
#[derive(Clone)]
struct World(Arc<State>);

struct State {
    epoch: AtomicU32,
    position: AtomicU64,
    is_current: AtomicBool,
    loads: AtomicUsize,
}

impl Present for World {
    fn cursor(&self) -> Cursor {
        Cursor {
            epoch: self.0.epoch.load(SeqCst),
            position: self.0.position.load(SeqCst),
            proof: None,
        }
    }

    fn is_current(&self) -> bool {
        self.0.is_current.load(SeqCst)
    }
}

fn config() -> CacheConfig {
    CacheConfig {
        soft_timeout: Duration::from_millis(160),
        hard_timeout: Duration::from_millis(1_600),
        ..CacheConfig::default()
    }
}

impl World {
    fn new() -> Self {
        Self(Arc::new(State {
            epoch: AtomicU32::new(1),
            position: AtomicU64::new(100),
            is_current: AtomicBool::new(true),
            loads: AtomicUsize::new(0),
        }))
    }

    fn cache(&self, store: Option<&SharedStore>) -> Cache<Row> {
        self.cache_with(store, config())
    }

    fn cache_with(&self, store: Option<&SharedStore>, config: CacheConfig) -> Cache<Row> {
        Cache::over(Box::new(self.clone()), store.cloned(), config)
    }

    fn loads(&self) -> usize {
        self.0.loads.load(SeqCst)
    }

    /// Delivers an event of the row to the cache, and then makes its position visible.
    fn change(&self, cache: &Cache<Row>, event_type: &str) {
        let position = self.0.position.load(SeqCst) + 1;
        note(cache, event_type, Some(position));
        self.0.position.store(position, SeqCst);
    }

    /// Returns a load that takes a while and is counted.
    fn load(
        &self,
        takes_ms: u64,
        row: Option<u64>,
    ) -> impl Future<Output = Result<Option<Row>, Arc<Error>>> + Send + 'static {
        let state = self.0.clone();
        async move {
            state.loads.fetch_add(1, SeqCst);
            tokio::time::sleep(Duration::from_millis(takes_ms)).await;
            Ok(row.map(Row))
        }
    }

    fn fail(&self) -> impl Future<Output = Result<Option<Row>, Arc<Error>>> + Send + 'static {
        let load = self.load(0, None);
        async move {
            load.await?;
            let cause = RuntimeErr::Internal("away".to_owned());
            Err(Arc::new(Error::Unavailable(DbErr::Conn(cause))))
        }
    }
}

fn note(cache: &Cache<Row>, event_type: &str, position: Option<u64>) {
    let inner = cache.0.as_ref().expect("a cache that is on");
    inner.note(ID, event_type, position);
}

fn fresh(row: u64) -> Cached<Option<Row>> {
    Cached {
        value: Some(Row(row)),
        is_stale: false,
        shows: None,
    }
}

/// Returns a stale value that was read when the tail was at 100, and has changed since.
fn stale(row: u64) -> Cached<Option<Row>> {
    Cached {
        is_stale: true,
        shows: Some(100),
        ..fresh(row)
    }
}

/// Returns a stale value that has not changed as far as is known.
fn doubtful(row: u64) -> Cached<Option<Row>> {
    Cached {
        shows: None,
        ..stale(row)
    }
}

#[tokio::test]
async fn a_thousand_misses_share_one_load() {
    let world = World::new();
    let cache = world.cache(None);
    let asking = (0..1_000).map(|_| {
        let (world, cache) = (world.clone(), cache.clone());
        tokio::spawn(async move { cache.get(ID, world.load(80, Some(1))).await.expect("a row") })
    });
    for answer in futures::future::join_all(asking).await {
        assert_eq!(answer.expect("a task"), fresh(1));
    }
    assert_eq!(world.loads(), 1);
    let figures = cache.figures();
    assert_eq!((figures.hits + figures.misses, figures.loads), (1_000, 1));
}

#[tokio::test]
async fn that_there_is_none_is_known_too() {
    let world = World::new();
    let cache = world.cache(None);
    for _ in 0..3 {
        let found = cache.get(ID, world.load(0, None)).await.expect("an answer");
        assert_eq!(found.value, None);
    }
    assert_eq!(world.loads(), 1);
}

#[tokio::test]
async fn who_comes_after_a_change_joins_no_load_from_before() {
    let world = World::new();
    let cache = world.cache(None);
    let early = tokio::spawn({
        let (world, cache) = (world.clone(), cache.clone());
        async move {
            cache
                .get(ID, world.load(240, Some(1)))
                .await
                .expect("a row")
        }
    });
    while world.loads() == 0 {
        tokio::task::yield_now().await;
    }
    world.change(&cache, "RowUpdated");
    let late = cache.get(ID, world.load(0, Some(2))).await;
    assert_eq!(late.expect("a row"), fresh(2));
    assert_eq!(early.await.expect("a task"), fresh(1), "it asked before");
    let later = cache.get(ID, world.load(0, Some(3))).await;
    assert_eq!(
        later.expect("a row"),
        fresh(2),
        "the older load replaced nothing"
    );
}

#[tokio::test]
async fn what_is_known_is_given_as_stale_when_the_source_fails() {
    let world = World::new();
    let cache = world.cache(None);
    assert!(
        cache.get(ID, world.fail()).await.is_err(),
        "nothing is known"
    );
    cache.get(ID, world.load(0, Some(1))).await.expect("a row");
    world.change(&cache, "RowUpdated");
    assert_eq!(cache.get(ID, world.fail()).await.expect("a row"), stale(1));
    let recovered = cache.get(ID, world.load(0, Some(2))).await;
    assert_eq!(recovered.expect("a row"), fresh(2));
    let figures = cache.figures();
    assert_eq!((figures.stale, figures.failures), (1, 2));
}

#[tokio::test]
async fn a_slow_load_goes_on_while_what_is_known_is_given() {
    let world = World::new();
    let cache = world.cache(None);
    cache.get(ID, world.load(0, Some(1))).await.expect("a row");
    world.change(&cache, "RowUpdated");
    let started = Instant::now();
    let slow = cache.get(ID, world.load(600, Some(2))).await;
    assert_eq!(slow.expect("a row"), stale(1));
    let waited = started.elapsed();
    assert!(
        waited >= Duration::from_millis(160) && waited < Duration::from_millis(560),
        "{waited:?}"
    );
    // Later requests do not wait for a load that is already late.
    let started = Instant::now();
    let next = cache.get(ID, world.load(0, Some(9))).await;
    assert_eq!(next.expect("a row"), stale(1));
    assert!(started.elapsed() < Duration::from_millis(120));
    tokio::time::sleep(Duration::from_millis(800)).await;
    let after = cache.get(ID, world.load(0, Some(9))).await;
    assert_eq!(after.expect("a row"), fresh(2));
    assert_eq!(world.loads(), 2);
}

#[tokio::test]
async fn a_load_that_takes_too_long_fails() {
    let world = World::new();
    let cache = world.cache(None);
    let started = Instant::now();
    let answer = cache.get(ID, world.load(60_000, Some(1))).await;
    assert!(matches!(
        &*answer.expect_err("too slow"),
        Error::Unavailable(_)
    ));
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// While the log cannot be read, changes are unknown: the cached value is returned at once, and marked.
#[tokio::test]
async fn without_the_log_what_is_known_is_stale() {
    let world = World::new();
    let cache = world.cache(None);
    cache.get(ID, world.load(0, Some(1))).await.expect("a row");
    world.0.is_current.store(false, SeqCst);
    assert_eq!(
        cache.get(ID, world.fail()).await.expect("a row"),
        doubtful(1)
    );
    assert_eq!(world.loads(), 1, "it was not asked for");
    world.change(&cache, "RowUpdated");
    for _ in 0..100 {
        let given = cache.get(ID, world.fail()).await.expect("a row");
        assert_eq!(given, stale(1));
    }
    assert_eq!(world.loads(), 2, "a source that is away is left alone");
    world.0.is_current.store(true, SeqCst);
    let after = cache.get(ID, world.load(0, Some(2))).await;
    assert_eq!(after.expect("a row"), fresh(2));
}

#[tokio::test]
async fn what_was_deleted_does_not_come_back_as_stale() {
    let world = World::new();
    let cache = world.cache(None);
    cache.get(ID, world.load(0, Some(1))).await.expect("a row");
    world.change(&cache, "RowDeleted");
    assert!(cache.get(ID, world.fail()).await.is_err());
}

#[tokio::test]
async fn old_age_is_a_reason_to_load_again() {
    let world = World::new();
    let lifetime = Duration::from_millis(1_200);
    let cache = world.cache_with(
        None,
        CacheConfig {
            lifetime,
            ..config()
        },
    );
    cache.get(ID, world.load(0, Some(1))).await.expect("a row");
    // In the last fifth of its lifetime the value is returned, and loaded again in the background.
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let eager = cache.get(ID, world.load(0, Some(2))).await;
    assert_eq!(eager.expect("a row"), fresh(1));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let after = cache.get(ID, world.load(0, Some(9))).await;
    assert_eq!(after.expect("a row"), fresh(2));
    assert_eq!(cache.figures().eager_refreshes, 1);
    // After its lifetime it is not returned, unless nothing better is available.
    tokio::time::sleep(Duration::from_millis(1_400)).await;
    assert_eq!(
        cache.get(ID, world.fail()).await.expect("a row"),
        doubtful(2)
    );
    let fresh_again = cache.get(ID, world.load(0, Some(3))).await;
    assert_eq!(fresh_again.expect("a row"), fresh(3));
}

#[tokio::test]
async fn another_process_finds_what_was_loaded_once() {
    let (world, store) = (World::new(), SharedStore::in_memory());
    let (one, two) = (world.cache(Some(&store)), world.cache(Some(&store)));
    one.get(ID, world.load(0, Some(1))).await.expect("a row");
    // It is shared in the background.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let found = two.get(ID, world.load(0, Some(9))).await;
    assert_eq!(found.expect("a row"), fresh(1));
    assert_eq!((world.loads(), two.figures().shared_hits), (1, 1));
    // After a change that the store has not received, the shared value does not count.
    world.change(&two, "RowUpdated");
    let loaded = two.get(ID, world.load(0, Some(2))).await;
    assert_eq!(loaded.expect("a row"), fresh(2));
    // It counts if nothing better is available: a third process has no value of its own.
    let three = world.cache(Some(&store));
    world.change(&three, "RowUpdated");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let last = three.get(ID, world.fail()).await.expect("a row");
    let shows = Some(101);
    assert_eq!(last, Cached { shows, ..stale(2) });
}

/// A process knows the changes since it began, and those of the past that it has read.
#[tokio::test]
async fn what_was_shared_before_a_process_began_counts_once_it_knows_the_past() {
    let (world, store) = (World::new(), SharedStore::in_memory());
    let one = world.cache(Some(&store));
    one.get(ID, world.load(0, Some(1))).await.expect("a row");
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.0.position.store(200, SeqCst);
    let two = world.cache(Some(&store));
    let inner = two.0.as_ref().expect("a cache that is on");
    inner.validity.learn(50, &[(Uuid::from_u128(8), 150)]);
    let found = two.get(ID, world.load(0, Some(9))).await;
    assert_eq!(
        found.expect("a row"),
        fresh(1),
        "nothing happened to it since"
    );
    let three = world.cache(Some(&store));
    let loaded = three.get(ID, world.load(0, Some(2))).await;
    assert_eq!(loaded.expect("a row"), fresh(2), "it does not know that");
    world.0.position.store(300, SeqCst);
    let four = world.cache(Some(&store));
    let inner = four.0.as_ref().expect("a cache that is on");
    inner.validity.learn(50, &[(ID, 250)]);
    let loaded = four.get(ID, world.load(0, Some(3))).await;
    assert_eq!(loaded.expect("a row"), fresh(3), "something did");
}

#[tokio::test]
async fn ones_own_commit_is_seen_before_it_has_a_position() {
    let (world, store) = (World::new(), SharedStore::in_memory());
    let (one, two) = (world.cache(Some(&store)), world.cache(Some(&store)));
    two.get(ID, world.load(0, Some(1))).await.expect("a row");
    tokio::time::sleep(Duration::from_millis(200)).await;
    note(&one, "RowUpdated", None);
    let own = one.get(ID, world.load(0, Some(2))).await;
    assert_eq!(own.expect("a row"), fresh(2));
}

#[tokio::test]
async fn a_restored_database_shares_nothing_with_the_one_before() {
    let (world, store) = (World::new(), SharedStore::in_memory());
    let cache = world.cache(Some(&store));
    cache.get(ID, world.load(0, Some(5))).await.expect("a row");
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.0.epoch.store(2, SeqCst);
    world.0.position.store(40, SeqCst);
    assert!(cache.get(ID, world.fail()).await.is_err());
    let loaded = cache.get(ID, world.load(0, Some(3))).await;
    assert_eq!(loaded.expect("a row"), fresh(3));
}
