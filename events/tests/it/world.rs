//! The surroundings of a test: a database of its own with the product's tables and a table of effects, Redis if it is distributed,
//! logs that stand for processes, and the results that the tests examine.

use std::{path::PathBuf, time::Duration};

use events::{Database, DatabaseConfig, EventLog, Handler, HandlerConfig, LogConfig, run_handlers};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tests::{eventually, guard, postgres::Postgres, redis::Redis};
use tokio::{sync::watch, task::JoinHandle};

pub(crate) use tests::{Way, waiting::SOON};

pub(crate) struct World {
    pub(crate) way: Way,
    pub(crate) database_url: String,
    pub(crate) redis_url: Option<String>,
    pub(crate) prefix: String,
    pub(crate) directory: PathBuf,
    pub(crate) database: Database,
}

impl World {
    pub(crate) async fn new(way: Way) -> Self {
        let redis = (way == Way::Distributed).then(|| Redis::shared().url());
        Self::on(way, redis).await
    }

    pub(crate) async fn on(way: Way, redis_url: Option<String>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = guard::new_directory("handlers");
        let database_url = match way {
            Way::Embedded => format!("sqlite://{}", directory.join("millrace.db").display()),
            Way::Distributed => Postgres::shared().empty_database(&format!("handlers_{number}")),
        };
        Self::at(way, database_url, redis_url, directory).await
    }

    pub(crate) async fn at(
        way: Way,
        database_url: String,
        redis_url: Option<String>,
        directory: PathBuf,
    ) -> Self {
        let database = connect(&database_url).await;
        let connection = database.writer();
        Migrator::up(&database.schema_connection(), None)
            .await
            .expect("the tables");
        for table in [
            "create table effect (handler text, position bigint, attempt int, owner text)",
            "create table applied (number bigint, stream_id text, version bigint)",
            "create table counted (stream_id uuid primary key, events bigint not null)",
        ] {
            connection.execute_unprepared(table).await.expect("a table");
        }
        Self {
            way,
            database_url,
            redis_url,
            prefix: directory
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned(),
            directory,
            database,
        }
    }

    /// Starts a log, which stands for a process; SQLite allows one.
    pub(crate) async fn log(&self) -> EventLog {
        start_log(self.database.clone(), self.redis_url.clone(), &self.prefix).await
    }

    /// Starts as many logs as there may be processes.
    pub(crate) async fn logs(&self, wanted: usize) -> Vec<EventLog> {
        let mut logs = vec![self.log().await];
        for _ in 1..wanted {
            logs.push(match self.way {
                Way::Embedded => logs[0].clone(),
                Way::Distributed => {
                    let database = connect(&self.database_url).await;
                    start_log(database, self.redis_url.clone(), &self.prefix).await
                }
            });
        }
        logs
    }

    pub(crate) async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        let statement = Statement::from_string(self.database.backend(), sql);
        let rows = self.database.reader.query_all_raw(statement).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Returns the one number that a statement selects as `number`.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql).await;
        rows[0].try_get("", "number").expect("a number")
    }

    /// Returns the positions of effects, each as often as it occurred.
    pub(crate) async fn effects(&self, handler: &str) -> Vec<i64> {
        let sql =
            format!("select position as number from effect where handler = '{handler}' order by 1");
        let rows = self.rows(&sql).await;
        rows.iter()
            .map(|row| row.try_get("", "number").expect("a position"))
            .collect()
    }

    /// Counts the deliveries in a state.
    pub(crate) async fn deliveries(&self, handler: &str, state: &str) -> i64 {
        self.number(&format!(
            "select count(*) as number from delivery where handler = '{handler}' and state = '{state}'"
        ))
        .await
    }

    /// Waits until all deliveries of a handler are in the states, with these numbers.
    pub(crate) async fn await_deliveries(&self, handler: &str, states: &[(&str, i64)]) {
        let what = format!("{handler} comes to {states:?}");
        eventually(&what, SOON, async || {
            for (state, number) in states {
                if self.deliveries(handler, state).await != *number {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }
}

pub(crate) async fn connect(url: &str) -> Database {
    connect_patiently(url, DatabaseConfig::PATIENCE).await
}

/// Connects with this patience for answers of Postgres.
pub(crate) async fn connect_patiently(url: &str, patience: Duration) -> Database {
    let config = DatabaseConfig {
        url: url.to_owned(),
        max_connections: 4,
        acquire_timeout: Duration::from_secs(10),
        patience,
    };
    Database::connect(&config)
        .await
        .expect("the database opens")
}

pub(crate) async fn start_log(
    database: Database,
    redis_url: Option<String>,
    prefix: &str,
) -> EventLog {
    let config = LogConfig {
        redis_url,
        redis_ca: None,
        redis_prefix: prefix.to_owned(),
        poll_interval: Duration::from_millis(50),
    };
    EventLog::start(database, config).await.expect("a log")
}

/// Running handlers.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(log: &EventLog, handlers: Vec<Arc<dyn Handler>>, owner: &str) -> Self {
        let config = HandlerConfig {
            owner: owner.to_owned(),
            lease: Duration::from_secs(10),
            drain: Duration::from_secs(20),
            alone: Duration::from_secs(10),
        };
        Self::with(log, handlers, config)
    }

    pub(crate) fn with(
        log: &EventLog,
        handlers: Vec<Arc<dyn Handler>>,
        config: HandlerConfig,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run_handlers(log.clone(), handlers, config, stopped));
        Self { stop, task }
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        tokio::time::timeout(SOON, self.task)
            .await
            .expect("it stops")
            .expect("it ends well");
    }
}

/// Makes two tests of `async fn name(way: Way)`: `name::embedded` and `name::distributed`.
macro_rules! both_ways {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn embedded() {
                ::tests::setup::run(|| super::$name(::tests::Way::Embedded));
            }
            #[test]
            fn distributed() {
                ::tests::setup::run(|| super::$name(::tests::Way::Distributed));
            }
        }
    )+};
}
pub(crate) use both_ways;
