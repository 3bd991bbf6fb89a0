//! A follower of jobs: it records what it applies, in order, and fails on events that tell it to, until it is mended.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use chrono::Utc;
use events::{
    Appending, DatabaseTransaction, Error, Event, EventLog, Follower, FollowerConfig, Meta,
    ModelTable, NewEvent, ReadModel, Result, StreamKey, Tx, run_follower,
};
use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use std::time::Duration;
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use crate::{
    jobs::{Job, Todo},
    world::{SOON, World},
};

pub(crate) const NAME: &str = "applied";

#[derive(Clone, Default)]
pub(crate) struct Applied {
    pub(crate) is_mended: Arc<AtomicBool>,
    /// This many calls fail as if the database were away.
    pub(crate) outages: Arc<AtomicU32>,
    pub(crate) calls: Arc<AtomicU32>,
}

impl Applied {
    pub(crate) fn arc(&self) -> Arc<dyn Follower> {
        Arc::new(self.clone())
    }

    pub(crate) fn mend(&self) {
        self.is_mended.store(true, Ordering::SeqCst);
    }
}

async fn execute(tx: &DatabaseTransaction, sql: &str, values: Vec<Value>) -> Result<()> {
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(())
}

/// Fails in the ways of followers: on malformed data, on what the database refuses, and by a panic.
fn check(event: &Event) -> Result<()> {
    let malformed = |source| Error::Malformed {
        what: "a job",
        source,
    };
    let job: Job = serde_json::from_str(event.data.get()).map_err(malformed)?;
    match job.todo {
        Todo::FailAlways => serde_json::from_str::<u8>("none")
            .map(drop)
            .map_err(malformed),
        Todo::Panic => panic!("as asked, on {}", event.position),
        Todo::Kill => std::process::abort(),
        _ => Ok(()),
    }
}

impl Follower for Applied {
    fn name(&self) -> &'static str {
        NAME
    }

    fn wants(&self, stream: &str) -> bool {
        stream == "job"
    }

    fn apply<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        events: &'a [Arc<Event>],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let takes_one = |left: u32| left.checked_sub(1);
            if self
                .outages
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, takes_one)
                .is_ok()
            {
                return Err(Error::Unavailable(DbErr::Conn(
                    sea_orm::RuntimeErr::Internal("as asked".to_owned()),
                )));
            }
            for event in events {
                let number = "(select coalesce(max(number), 0) + 1 from applied)";
                let sql = format!("insert into applied values ({number}, $1, $2)");
                let id = event.stream_id.simple().to_string();
                execute(tx, &sql, vec![id.into(), event.version.into()]).await?;
                if !self.is_mended.load(Ordering::SeqCst) {
                    check(event)?;
                }
            }
            Ok(())
        })
    }

    /// Answers each event with one of its own, which shows how often it happened.
    fn raise<'a>(&'a self, tx: &'a Tx<'a>, events: &'a [Arc<Event>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for event in events {
                let raised = NewEvent {
                    event_type: "Answered",
                    schema_version: 1,
                    data: &event.position,
                    occurred_at: Utc::now(),
                };
                let stream = StreamKey {
                    kind: "answer",
                    id: event.event_id,
                };
                tx.append(stream, 0, raised, &Meta::default()).await?;
            }
            Ok(())
        })
    }
}

/// The number of events of each stream; it can be rebuilt.
#[derive(Clone, Default)]
pub(crate) struct Counted {
    pub(crate) suffix: &'static str,
    pub(crate) is_mended: Arc<AtomicBool>,
}

impl Follower for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn wants(&self, stream: &str) -> bool {
        stream == "job"
    }

    fn apply<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        events: &'a [Arc<Event>],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let table = format!("counted{}", self.suffix);
            let sql = format!(
                "insert into {table} (stream_id, events) values ($1, 1)
                 on conflict (stream_id) do update set events = {table}.events + 1"
            );
            for event in events {
                execute(tx, &sql, vec![event.stream_id.into()]).await?;
                if !self.is_mended.load(Ordering::SeqCst) {
                    check(event)?;
                }
            }
            Ok(())
        })
    }
}

impl ReadModel for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn stream(&self) -> &'static str {
        "job"
    }

    fn tables(&self) -> &'static [ModelTable] {
        &[ModelTable {
            name: "counted",
            stream_id: "stream_id",
        }]
    }

    fn follower(&self, suffix: &'static str) -> Arc<dyn Follower> {
        Arc::new(Self {
            suffix,
            ..self.clone()
        })
    }
}

/// Appends the next event of a stream.
pub(crate) async fn append(log: &EventLog, id: Uuid, version: i64, todo: Todo) {
    let job = Arc::new(Job { todo });
    log.write(move |tx| {
        let job = job.clone();
        Box::pin(async move {
            let event = NewEvent {
                event_type: "JobAsked",
                schema_version: 1,
                data: &*job,
                occurred_at: Utc::now(),
            };
            let stream = StreamKey { kind: "job", id };
            tx.append(stream, version - 1, event, &Meta::default())
                .await
        })
    })
    .await
    .expect("the event is appended");
}

/// Appends the first events of as many streams as have something to do, in one transaction: the first of each, then the second of
/// each, and so on.
pub(crate) async fn append_in_turn(log: &EventLog, streams: &[(Uuid, Vec<Todo>)]) {
    let mut jobs = Vec::new();
    let longest = streams.iter().map(|(_, todos)| todos.len()).max();
    for version in 0..longest.unwrap_or(0) {
        for (id, todos) in streams {
            let todo = todos.get(version).cloned();
            jobs.extend(todo.map(|todo| (*id, version as i64, Job { todo })));
        }
    }
    let jobs = Arc::new(jobs);
    log.write(move |tx| {
        let jobs = jobs.clone();
        Box::pin(async move {
            let meta = Meta::default();
            let events = jobs.iter().map(|(stream_id, expected, job)| Appending {
                stream_id: *stream_id,
                expected: *expected,
                event: NewEvent {
                    event_type: "JobAsked",
                    schema_version: 1,
                    data: job,
                    occurred_at: Utc::now(),
                },
                meta: &meta,
            });
            tx.append_all("job", events.collect()).await
        })
    })
    .await
    .expect("the events are appended");
}

/// A running follower.
pub(crate) struct Following {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Following {
    pub(crate) fn start(log: &EventLog, follower: Arc<dyn Follower>, owner: &str) -> Self {
        Self::with(log, follower, owner, Duration::from_secs(2))
    }

    pub(crate) fn with(
        log: &EventLog,
        follower: Arc<dyn Follower>,
        owner: &str,
        lease: Duration,
    ) -> Self {
        let config = FollowerConfig {
            owner: owner.to_owned(),
            lease,
            batch_events: 100,
        };
        Self::configured(log, follower, config)
    }

    pub(crate) fn configured(
        log: &EventLog,
        follower: Arc<dyn Follower>,
        config: FollowerConfig,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run_follower(log.clone(), follower, config, stopped));
        Self { stop, task }
    }

    /// Ends it as if its process were killed.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let ended = self.task.await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "it runs");
    }

    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        tokio::time::timeout(SOON, self.task)
            .await
            .expect("it stops")
            .expect("it ends well");
    }
}

/// Returns the versions of a stream in the order in which they were applied.
pub(crate) async fn versions(world: &World, id: Uuid) -> Vec<i64> {
    let sql = format!(
        "select version as number from applied where stream_id = '{}' order by number",
        id.simple()
    );
    // The alias is also a column, by which the rows must not be sorted here.
    let sql = sql.replace("order by number", "order by applied.number");
    let rows = world.rows(&sql).await;
    rows.iter()
        .map(|row| row.try_get("", "number").expect("a version"))
        .collect()
}
