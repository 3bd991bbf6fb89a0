//! Events that contain instructions, and the handler that follows them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use events::{
    Appending, Attempt, Effect, Event, EventLog, Handler, HandlerError, Meta, NewEvent,
    RetryPolicy, StreamKey, effect,
};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, Statement, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the handler is told to do with an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Todo {
    Succeed,
    /// Fail this often, and then succeed.
    FailFirst(u32),
    FailAlways,
    FailForGood,
    Panic,
    /// End the process, as a crash does.
    Kill,
    /// Take this many milliseconds.
    Sleep(u64),
    /// Call the dependency.
    Depend,
    /// Find the dependency away, although others find it there.
    DependInVain,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) todo: Todo,
}

/// Appends the first events of as many streams; returns the streams.
pub(crate) async fn ask(log: &EventLog, event_type: &'static str, todos: Vec<Todo>) -> Vec<Uuid> {
    let ids: Vec<Uuid> = todos.iter().map(|_| Uuid::now_v7()).collect();
    let given = Arc::new((ids.clone(), todos));
    log.write(move |tx| {
        let given = given.clone();
        Box::pin(async move {
            let meta = Meta::default();
            let jobs: Vec<Job> = given.1.iter().cloned().map(|todo| Job { todo }).collect();
            let events = given.0.iter().zip(&jobs).map(|(id, job)| Appending {
                stream_id: *id,
                expected: 0,
                event: NewEvent {
                    event_type,
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
    ids
}

/// The handler's behaviour, which may change while it runs.
#[derive(Default)]
pub(crate) struct Dependency {
    pub(crate) is_away: AtomicBool,
    pub(crate) calls: AtomicU32,
}

/// A handler that follows the instructions in events of one type.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) name: &'static str,
    pub(crate) event_type: &'static str,
    pub(crate) owner: String,
    pub(crate) policy: RetryPolicy,
    pub(crate) concurrency: usize,
    pub(crate) dependency: Option<(&'static str, Arc<Dependency>)>,
    /// It succeeds at everything, whatever the instructions.
    pub(crate) is_mended: Arc<AtomicBool>,
    /// Position and number of every attempt, in the order in which they began.
    pub(crate) attempts: Arc<Mutex<Vec<(u64, Attempt)>>>,
    pub(crate) running: Arc<AtomicU32>,
    pub(crate) most_running: Arc<AtomicU32>,
}

impl Worker {
    pub(crate) fn new(name: &'static str, owner: &str) -> Self {
        Self {
            name,
            event_type: "JobAsked",
            owner: owner.to_owned(),
            policy: quickly(3),
            concurrency: 8,
            dependency: None,
            is_mended: Arc::default(),
            attempts: Arc::default(),
            running: Arc::default(),
            most_running: Arc::default(),
        }
    }

    pub(crate) fn arc(&self) -> Arc<dyn Handler> {
        Arc::new(self.clone())
    }

    pub(crate) fn attempt_numbers(&self) -> Vec<u32> {
        let attempts = self.attempts.lock();
        attempts.iter().map(|(_, attempt)| attempt.number).collect()
    }

    async fn work(&self, event: &Event, attempt: Attempt) -> Result<(), HandlerError> {
        let job: Job = serde_json::from_str(event.data.get()).expect("a job");
        if self.is_mended.load(Ordering::SeqCst) {
            return Ok(());
        }
        match job.todo {
            Todo::Succeed => Ok(()),
            Todo::FailFirst(number) if attempt.number > number => Ok(()),
            Todo::FailFirst(_) | Todo::FailAlways => Err(HandlerError::Retry(format!(
                "failed on {}\nas asked",
                event.position
            ))),
            Todo::FailForGood => Err(HandlerError::Final("it is of no use".to_owned())),
            Todo::Panic => panic!("as asked, on {}", event.position),
            Todo::Kill => std::process::abort(),
            Todo::Sleep(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                Ok(())
            }
            Todo::DependInVain => Err(HandlerError::Unavailable("away for this one".to_owned())),
            Todo::Depend => match &self.dependency {
                Some((name, dependency)) => {
                    dependency.calls.fetch_add(1, Ordering::SeqCst);
                    match dependency.is_away.load(Ordering::SeqCst) {
                        true => Err(HandlerError::Unavailable(format!("{name} is away"))),
                        false => Ok(()),
                    }
                }
                None => Ok(()),
            },
        }
    }
}

/// A policy with up to 20 ms between attempts.
pub(crate) fn quickly(limit: u32) -> RetryPolicy {
    RetryPolicy {
        limit,
        first: Duration::from_millis(20),
        longest: Duration::from_millis(20),
    }
}

impl Handler for Worker {
    fn name(&self) -> &'static str {
        self.name
    }

    fn wants(&self, stream: &str, event_type: &str) -> bool {
        stream == "job" && event_type == self.event_type
    }

    fn policy(&self) -> RetryPolicy {
        self.policy
    }

    fn dependency(&self) -> Option<&'static str> {
        self.dependency.as_ref().map(|(name, _)| *name)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn handle<'a>(
        &'a self,
        event: &'a Arc<Event>,
        attempt: Attempt,
    ) -> BoxFuture<'a, Result<Effect, HandlerError>> {
        Box::pin(async move {
            self.attempts.lock().push((event.position, attempt));
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_running.fetch_max(running, Ordering::SeqCst);
            let done = Done(self.running.clone());
            self.work(event, attempt).await?;
            drop(done);
            let (name, owner, position) = (self.name, self.owner.clone(), event.position);
            // The stream is the event's own, and can have a first event only once.
            let handled = Uuid::from_u128(event.event_id.as_u128() ^ u128::from(name.len() as u64));
            Ok(effect(move |tx| {
                let owner = owner.clone();
                Box::pin(async move {
                    let values: Vec<Value> = vec![
                        name.into(),
                        i64::try_from(position).expect("a position").into(),
                        i32::try_from(attempt.number).expect("a number").into(),
                        owner.into(),
                    ];
                    let sql = "insert into effect (handler, position, attempt, owner) values ($1, $2, $3, $4)";
                    let backend = tx.get_database_backend();
                    tx.execute_raw(Statement::from_sql_and_values(backend, sql, values))
                        .await?;
                    let event = NewEvent {
                        event_type: "JobHandled",
                        schema_version: 1,
                        data: &position,
                        occurred_at: Utc::now(),
                    };
                    let stream = StreamKey {
                        kind: "handled",
                        id: handled,
                    };
                    tx.append(stream, 0, event, &Meta::default()).await
                })
            }))
        })
    }
}

struct Done(Arc<AtomicU32>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
