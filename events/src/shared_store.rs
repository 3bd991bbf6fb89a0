//! Bytes that all processes share for a while: in Redis, or in memory where there is only one process. It is the second level of
//! caches, and nothing else: an entry may be gone or old, and nothing is decided by it. No call waits longer than `CALL_LIMIT`
//! (`BATCH_LIMIT` for many entries), and none waits for a Redis that is away: the connection is dropped after a few failures and
//! reopened in the background, and until then every call is answered at once as if the store were empty.

mod debts;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    backoff::Backoff,
    boxed,
    connector::{Connection, Redis},
};
use moka::{policy::EvictionPolicy, sync::Cache};
use parking_lot::Mutex;
use redis::{AsyncTypedCommands, ErrorKind, RedisError, ServerErrorKind};
use tokio::time::{sleep, timeout};

/// How long one call may take: several times what Redis needs, and less than anybody notices.
const CALL_LIMIT: Duration = Duration::from_millis(100);
/// How long it may take to set many entries. No request waits for it.
const BATCH_LIMIT: Duration = Duration::from_secs(1);
/// The number of consecutive time-outs after which the connection is dropped.
const FAILURE_LIMIT: u32 = 3;
/// The longest pause between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// The most that a store in memory holds, in bytes of keys and values.
const MEMORY_BYTES: u64 = 16 << 20;

/// Values that all processes share, and that may be lost at any time.
#[derive(Clone)]
pub struct SharedStore(Kind);

#[derive(Clone)]
enum Kind {
    Redis(Arc<RedisStore>),
    Memory(Cache<String, (Arc<[u8]>, Instant)>),
}

impl SharedStore {
    /// Creates a store shared over Redis by all processes with the same prefix. It connects in the background.
    pub(crate) fn redis(redis: Redis) -> Self {
        let store = Arc::new(RedisStore {
            redis,
            connection: Mutex::default(),
            connections: AtomicU64::default(),
            failures: AtomicU32::default(),
        });
        tokio::spawn(connect(store.clone()));
        Self(Kind::Redis(store))
    }

    /// Creates a store for a process that is alone.
    pub fn in_memory() -> Self {
        let weigh = |key: &String, (bytes, _): &(Arc<[u8]>, Instant)| {
            u32::try_from(key.len() + bytes.len()).unwrap_or(u32::MAX)
        };
        let entries = Cache::builder()
            .max_capacity(MEMORY_BYTES)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(weigh)
            .build();
        Self(Kind::Memory(entries))
    }

    /// Returns the bytes under `key`; `None` when there are none, or when they cannot be read now.
    #[boxed]
    pub async fn get(&self, key: &str) -> Option<Vec<u8>> {
        match &self.0 {
            Kind::Redis(store) => store.get(key).await,
            Kind::Memory(entries) => {
                let (bytes, until) = entries.get(key)?;
                (Instant::now() < until).then(|| bytes.to_vec())
            }
        }
    }

    /// Keeps all of the entries for `lifetime`; returns false when that is not possible now.
    #[boxed]
    pub async fn set(&self, entries: &[(String, Vec<u8>)], lifetime: Duration) -> bool {
        match &self.0 {
            Kind::Redis(store) => store.set(entries, lifetime).await,
            Kind::Memory(kept) => {
                let until = Instant::now() + lifetime;
                for (key, bytes) in entries {
                    kept.insert(key.clone(), (bytes.as_slice().into(), until));
                }
                true
            }
        }
    }

    /// Returns whether it answers now.
    #[boxed]
    pub async fn is_up(&self) -> bool {
        match &self.0 {
            Kind::Redis(store) => store.is_up().await,
            Kind::Memory(_) => true,
        }
    }

    /// Returns the memory that Redis uses, if this is in Redis, and it answers now.
    #[boxed]
    pub async fn memory_bytes(&self) -> Option<u64> {
        match &self.0 {
            Kind::Redis(store) => store.memory_bytes().await,
            Kind::Memory(_) => None,
        }
    }

    /// Removes the keys; returns false when that is not possible now.
    #[boxed]
    pub async fn delete(&self, keys: &[String]) -> bool {
        match &self.0 {
            Kind::Redis(store) => store.delete(keys).await,
            Kind::Memory(kept) => {
                keys.iter().for_each(|key| kept.invalidate(key));
                true
            }
        }
    }
}

/// A connection and its number, which identifies a late failure of an earlier one.
type Numbered = (u64, Connection);

struct RedisStore {
    redis: Redis,
    /// `None` while Redis is away; a task is then busy connecting.
    connection: Mutex<Option<Numbered>>,
    connections: AtomicU64,
    failures: AtomicU32,
}

impl RedisStore {
    async fn get(self: &Arc<Self>, key: &str) -> Option<Vec<u8>> {
        let mut command = redis::cmd("GET");
        command.arg(self.key(key));
        self.call(CALL_LIMIT, async |connection: &mut Connection| {
            command.query_async::<Option<Vec<u8>>>(connection).await
        })
        .await
        .flatten()
    }

    async fn set(self: &Arc<Self>, entries: &[(String, Vec<u8>)], lifetime: Duration) -> bool {
        if entries.is_empty() {
            return true;
        }
        let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        let mut commands = redis::pipe();
        for (key, bytes) in entries {
            let command = commands.cmd("SET").arg(self.key(key)).arg(bytes);
            command.arg("PX").arg(lifetime_ms.max(1)).ignore();
        }
        let limit = match entries.len() {
            1 => CALL_LIMIT,
            _ => BATCH_LIMIT,
        };
        self.run(limit, &commands).await
    }

    async fn delete(self: &Arc<Self>, keys: &[String]) -> bool {
        if keys.is_empty() {
            return true;
        }
        let mut commands = redis::pipe();
        let command = commands.cmd("DEL");
        for key in keys {
            command.arg(self.key(key));
        }
        command.ignore();
        self.run(BATCH_LIMIT, &commands).await
    }

    async fn is_up(self: &Arc<Self>) -> bool {
        self.call(BATCH_LIMIT, async |connection: &mut Connection| {
            redis::cmd("PING").query_async::<String>(connection).await
        })
        .await
        .is_some()
    }

    async fn memory_bytes(self: &Arc<Self>) -> Option<u64> {
        let mut command = redis::cmd("INFO");
        command.arg("memory");
        let answer = self.call(BATCH_LIMIT, async |connection: &mut Connection| {
            command.query_async::<String>(connection).await
        });
        let answer = answer.await?;
        let mut lines = answer.lines();
        lines.find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok())
    }

    async fn run(self: &Arc<Self>, limit: Duration, commands: &redis::Pipeline) -> bool {
        self.call(limit, async |connection: &mut Connection| {
            commands.query_async::<()>(connection).await
        })
        .await
        .is_some()
    }

    fn key(&self, key: &str) -> String {
        format!("{}:{key}", self.redis.prefix())
    }

    async fn call<T>(
        self: &Arc<Self>,
        limit: Duration,
        command: impl AsyncFnOnce(&mut Connection) -> redis::RedisResult<T>,
    ) -> Option<T> {
        let (number, mut connection) = self.connection.lock().clone()?;
        match timeout(limit, command(&mut connection)).await {
            Ok(Ok(value)) => {
                self.failures.store(0, Ordering::Relaxed);
                Some(value)
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the shared store refused a call");
                if is_of_connection(&error) {
                    self.give_up(number);
                }
                None
            }
            Err(_) => {
                if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURE_LIMIT {
                    self.give_up(number);
                }
                None
            }
        }
    }

    fn give_up(self: &Arc<Self>, number: u64) {
        let mut connection = self.connection.lock();
        if connection.as_ref().is_some_and(|(held, _)| *held == number) {
            *connection = None;
            tracing::warn!("the shared store is away; going on without it");
            tokio::spawn(connect(self.clone()));
        }
    }
}

/// Returns whether another connection may do better. Most errors that Redis answers with are none of the connection; a full Redis refuses
/// writes. But one that was made a replica does so until it is left.
fn is_of_connection(error: &RedisError) -> bool {
    let demoted = [ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown];
    error.is_io_error()
        || error.is_connection_dropped()
        || error.is_timeout()
        || error.is_unrecoverable_error()
        || demoted
            .iter()
            .any(|kind| error.kind() == ErrorKind::Server(*kind))
}

/// Connects, however long it takes. Only one of these runs, and only while there is no connection.
async fn connect(store: Arc<RedisStore>) {
    let mut backoff = Backoff::new(Duration::from_millis(100), MAX_PAUSE);
    loop {
        let opened = store.redis.connect(BATCH_LIMIT).await;
        if let Ok(mut connection) = opened
            && timeout(CALL_LIMIT, connection.ping())
                .await
                .is_ok_and(|pong| pong.is_ok())
        {
            let number = store.connections.fetch_add(1, Ordering::Relaxed);
            store.failures.store(0, Ordering::Relaxed);
            *store.connection.lock() = Some((number, connection));
            return;
        }
        backoff.fail();
        sleep(backoff.pause()).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    #[tokio::test]
    async fn memory_forgets_in_time_and_on_demand() {
        let store = SharedStore::in_memory();
        let entries = [("a".to_owned(), vec![1]), ("b".to_owned(), vec![2])];
        assert!(store.set(&entries, Duration::from_secs(60)).await);
        assert_eq!(store.get("a").await, Some(vec![1]));
        assert!(store.delete(&["a".to_owned()]).await);
        assert_eq!(store.get("a").await, None);
        assert_eq!(store.get("b").await, Some(vec![2]));
        assert!(store.set(&entries, Duration::ZERO).await);
        assert_eq!(store.get("b").await, None);
    }

    /// A Redis that is away costs nothing: ten thousand calls return at once.
    #[tokio::test]
    async fn a_redis_that_is_away_is_not_waited_for() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        drop(listener);
        let redis = Redis::new(&format!("redis://{address}"), None, "test");
        let store = SharedStore::redis(redis.expect("a URL"));
        let started = Instant::now();
        for _ in 0..5_000 {
            assert_eq!(store.get("a").await, None);
            assert!(
                !store
                    .set(&[("a".to_owned(), vec![1])], Duration::from_secs(1))
                    .await
            );
        }
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
    }

    /// Answers the command of this name, which stands behind the end of a line.
    async fn answer(stream: &mut TcpStream, name: &[u8], text: &str) -> std::io::Result<()> {
        let mut heard = Vec::new();
        while !heard.ends_with(name) {
            heard.push(stream.read_u8().await?);
        }
        stream.write_all(text.as_bytes()).await
    }

    /// Returns a store with a connection to a server that has greeted it, said nothing of itself, and answers what the test does.
    async fn greeted() -> (Arc<RedisStore>, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("its address");
        // Of the greeting it hears the name and the version.
        let greeted = async {
            let (mut stream, _) = listener.accept().await?;
            stream.read_u8().await?;
            stream.write_all(b"+OK\r\n+OK\r\n").await?;
            answer(&mut stream, b"\nINFO", "-ERR unknown command\r\n").await?;
            Ok::<_, std::io::Error>(stream)
        };
        let redis = Redis::new(&format!("redis://{address}"), None, "test").expect("a URL");
        let (connection, stream) = tokio::join!(redis.connect(BATCH_LIMIT), greeted);
        let connection = Some((7, connection.expect("a connection")));
        let store = Arc::new(RedisStore {
            redis,
            connection: Mutex::new(connection),
            connections: AtomicU64::default(),
            failures: AtomicU32::default(),
        });
        (store, stream.expect("it is greeted"))
    }

    /// A Redis that accepts the connection and never answers is dropped after a few calls.
    #[tokio::test]
    async fn a_redis_that_hangs_is_given_up() {
        let (store, _stream) = greeted().await;
        let started = Instant::now();
        for _ in 0..1_000 {
            assert_eq!(store.get("a").await, None);
        }
        assert!(store.connection.lock().is_none());
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
    }

    /// One that was made a replica is dropped at once; one that is full is not.
    #[tokio::test]
    async fn a_redis_that_was_demoted_is_given_up() {
        for (code, is_held) in [("OOM", true), ("READONLY", false)] {
            let (store, mut stream) = greeted().await;
            let refusal = format!("-{code} not now\r\n");
            let entry = [("a".to_owned(), vec![1])];
            let setting = store.set(&entry, Duration::from_secs(1));
            let (is_set, _) = tokio::join!(setting, answer(&mut stream, b"\nSET", &refusal));
            assert!(!is_set);
            assert_eq!(store.connection.lock().is_some(), is_held, "{code}");
        }
    }
}
