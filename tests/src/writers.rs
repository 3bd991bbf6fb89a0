//! Concurrent writers. Each has customers of its own, so it knows what every answer must be; a mutation without an answer is
//! repeated under the same idempotency key, on any gateway, until there is one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::customers;
use crate::graphql::Client;
use crate::sending::Sender;
use crate::waiting::{SOON, eventually};

const LEISURE: Duration = Duration::from_millis(50);

/// An answered mutation: the customer's global id, and its version after the mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    pub id: String,
    pub version: u64,
}

pub struct Writers {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<Vec<Acknowledged>>>,
}

struct Shared {
    sender: Sender,
    at_least: usize,
    acknowledged: AtomicUsize,
    stopping: AtomicBool,
}

impl Writers {
    /// Starts the writers; they write until `finish` is called, and at least this many mutations in all.
    pub fn start(clients: Vec<Client>, writers: usize, at_least: usize) -> Self {
        let shared = Arc::new(Shared {
            sender: Sender::new(clients),
            at_least,
            acknowledged: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let tasks = (0..writers)
            .map(|number| tokio::spawn(write(number, shared.clone())))
            .collect();
        Self { shared, tasks }
    }

    /// Returns the number of answers so far.
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits for this many answers in all.
    pub async fn await_acknowledged(&self, count: usize) {
        eventually("the writers are answered", SOON * 3, async || {
            let failed = self.tasks.iter().any(|task| task.is_finished()) && !self.shared.is_done();
            assert!(!failed, "a writer gave up");
            (self.acknowledged() >= count).then_some(())
        })
        .await;
    }

    /// Waits for this many more answers than there are now.
    pub async fn await_more(&self, count: usize) {
        self.await_acknowledged(self.acknowledged() + count).await;
    }

    /// Lets the writers finish; returns all answered mutations, and how often a mutation was repeated.
    pub async fn finish(self) -> (Vec<Acknowledged>, usize) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for task in self.tasks {
            all.extend(task.await.expect("a writer"));
        }
        (all, self.shared.sender.repeated())
    }
}

impl Shared {
    /// Slows down when there are enough mutations: while a fault goes on, writers continue at a lower rate.
    async fn rest(&self) {
        if self.acknowledged.load(Ordering::Relaxed) >= self.at_least {
            tokio::time::sleep(LEISURE).await;
        }
    }

    fn is_done(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
            && self.acknowledged.load(Ordering::Relaxed) >= self.at_least
    }

    /// Sends one mutation until it is answered.
    async fn send(&self, kind: &str, input: &Value, key: &str) -> Value {
        let (document, field) = customers::mutation(kind);
        let answered = self.sender.send(document, field, input, key).await;
        let mut payload = answered.unwrap_or_else(|problem| panic!("{problem}"));
        payload["customer"].take()
    }
}

/// A customer as its writer knows it.
pub(crate) struct Own {
    pub(crate) id: Value,
    pub(crate) version: u64,
    pub(crate) deleted: bool,
}

async fn write(number: usize, shared: Arc<Shared>) -> Vec<Acknowledged> {
    let run = fastrand::u64(..);
    let mut own: Vec<Own> = Vec::new();
    let mut acknowledged = Vec::new();
    let mut turn = 0;
    while !shared.is_done() {
        shared.rest().await;
        turn += 1;
        let key = format!("{run:x}-{number}-{turn}");
        let chosen = if own.len() < 5 || fastrand::u8(..10) < 4 {
            None
        } else {
            Some(fastrand::usize(..own.len()))
        };
        let (kind, input, expected) = plan(chosen.map(|index| &own[index]), &key);
        let customer = shared.send(kind, &input, &key).await;
        let version = customer["version"].as_u64().expect("a version");
        assert_eq!(
            version, expected,
            "{kind} {input} under {key} was applied more than once or not at all: {customer}"
        );
        match chosen {
            Some(index) => {
                own[index].version = version;
                own[index].deleted = kind == "delete";
            }
            None => own.push(Own {
                id: customer["id"].clone(),
                version,
                deleted: false,
            }),
        }
        let id = customer["id"].as_str().expect("an id").to_owned();
        acknowledged.push(Acknowledged { id, version });
        shared.acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

/// Returns what to do with this customer, or with none: the mutation, its input, and the version that it must lead to.
pub(crate) fn plan(own: Option<&Own>, marker: &str) -> (&'static str, Value, u64) {
    let Some(own) = own else {
        let input =
            json!({ "name": format!("Writer {marker}"), "email": format!("{marker}@example.com") });
        return ("create", input, 1);
    };
    let next = own.version + 1;
    if own.deleted {
        (
            "restore",
            json!({ "id": own.id, "expectedVersion": own.version }),
            next,
        )
    } else if fastrand::u8(..10) == 0 {
        ("delete", json!({ "id": own.id }), next)
    } else {
        let status = ["PROSPECT", "ACTIVE", "SUSPENDED", "CLOSED"][fastrand::usize(..4)];
        (
            "update",
            json!({ "id": own.id, "name": format!("Writer {marker}"), "status": status }),
            next,
        )
    }
}
