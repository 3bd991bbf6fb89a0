//! Many readers and writers in two processes that share a store, with loads of arbitrary duration: a value without a mark shows
//! every event up to the cursor that its reader had before.

use parking_lot::Mutex;

use super::*;

const ROWS: u128 = 3;
const WRITES: u64 = 600;
const READERS: usize = 6;

/// A database with rows whose values are their versions, and its log.
#[derive(Default)]
struct Source {
    rows: Mutex<[u64; ROWS as usize]>,
    /// For each position, the row that changed and its version.
    log: Mutex<Vec<(usize, u64)>>,
}

/// A process: its tail, and its cache.
struct Process {
    world: World,
    cache: Cache<Row>,
}

impl Process {
    /// Moves the tail on by one event; observers run first.
    fn hear(&self, source: &Source) -> bool {
        let position = self.world.0.position.load(SeqCst);
        let Some((row, _)) = source.log.lock().get(position as usize).copied() else {
            return false;
        };
        let inner = self.cache.0.as_ref().expect("a cache that is on");
        inner.note(
            Uuid::from_u128(row as u128),
            "RowUpdated",
            Some(position + 1),
        );
        self.world.0.position.store(position + 1, SeqCst);
        true
    }
}

fn process(store: &SharedStore) -> Arc<Process> {
    let world = World::new();
    world.0.position.store(0, SeqCst);
    let patient = CacheConfig {
        soft_timeout: Duration::from_millis(2),
        ..config()
    };
    let cache = world.cache_with(Some(store), patient);
    Arc::new(Process { world, cache })
}

/// Pauses for a short, irregular time.
async fn pause(seed: &mut u64) {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    match (*seed >> 33) % 8 {
        0 => tokio::time::sleep(Duration::from_micros(300)).await,
        1..4 => tokio::task::yield_now().await,
        _ => {}
    }
}

async fn write(source: Arc<Source>) {
    let mut seed = 1;
    for number in 0..WRITES {
        let row = (number % ROWS as u64) as usize;
        let version = {
            let mut rows = source.rows.lock();
            rows[row] += 1;
            rows[row]
        };
        // The change is committed, and has no position yet.
        pause(&mut seed).await;
        source.log.lock().push((row, version));
        pause(&mut seed).await;
    }
}

async fn read(source: Arc<Source>, process: Arc<Process>, mut seed: u64) -> (u64, u64) {
    let (mut fresh, mut stale) = (0, 0);
    while process.world.0.position.load(SeqCst) < WRITES {
        let row = (seed >> 40) as usize % ROWS as usize;
        let cursor = process.world.cursor().position;
        let mut load_seed = seed;
        let loading = source.clone();
        let load = async move {
            pause(&mut load_seed).await;
            let version = loading.rows.lock()[row];
            pause(&mut load_seed).await;
            Ok(Some(Row(version)))
        };
        let id = Uuid::from_u128(row as u128);
        let given = process.cache.get(id, load).await.expect("a row");
        *if given.is_stale {
            &mut stale
        } else {
            &mut fresh
        } += 1;
        let cursor = given.shows.map_or(cursor, |shows| shows.min(cursor));
        let least = {
            let logged = source.log.lock();
            let until = logged[..cursor as usize].iter();
            let last = until.rev().find(|(changed, _)| *changed == row);
            last.map_or(0, |(_, version)| *version)
        };
        let shown = given.value.map_or(0, |Row(version)| version);
        assert!(
            shown >= least,
            "version {shown} with a cursor after version {least}"
        );
        pause(&mut seed).await;
    }
    (fresh, stale)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_older_than_its_cursor() {
    let source = Arc::new(Source::default());
    let store = SharedStore::in_memory();
    let processes = [process(&store), process(&store)];
    let writer = tokio::spawn(write(source.clone()));
    let tails = processes.clone().map(|process| {
        let source = source.clone();
        tokio::spawn(async move {
            let mut seed = 3;
            while process.world.0.position.load(SeqCst) < WRITES {
                process.hear(&source);
                pause(&mut seed).await;
                tokio::task::yield_now().await;
            }
        })
    });
    let readers: Vec<_> = (0..READERS)
        .map(|number| {
            let process = processes[number % processes.len()].clone();
            tokio::spawn(read(source.clone(), process, 1 << (number + 30)))
        })
        .collect();
    let mut fresh = 0;
    for reader in readers {
        fresh += reader.await.expect("a reader").0;
    }
    writer.await.expect("the writer");
    for tail in tails {
        tail.await.expect("a tail");
    }
    assert!(fresh > 100, "only {fresh} values were fresh");
    let figures = processes.map(|process| process.cache.figures());
    let shared: u64 = figures.iter().map(|figures| figures.shared_hits).sum();
    assert!(
        shared > 0 && figures.iter().all(|it| it.hits > 0),
        "{figures:?}"
    );
}
