//! Read replicas: standbys that answer statements in place of the primary, each only when it is proven to have all that the primary had
//! when the statement was asked for. `connection` asks here for each statement of `Database::queries`, and nowhere else is anything read
//! from a replica. What decides something (sign-in, rights, uniqueness, leases, checkpoints) is read with the other connections.
//!
//! **What is proven.** A statement on a replica shows at least what it would have shown on the primary at the time it was asked for. So
//! cursors, Read-After, caches, live queries and shared answers know nothing of replicas: what they argue from the primary stays true.
//!
//! (1) After the statement was asked for, the primary is asked how far its WAL is on disk (`Present`). Whatever could be read on it was
//! committed, and its commit on disk, before that. (2) The session that will be read from says that its server has replayed so far. Servers
//! replay commits in their order, and never go back under a session. One that restarts may, but all its sessions end. (3) It is the same
//! WAL: the server is in recovery, of the primary's cluster, receives its timeline, and its log has the primary's epoch, timeline and newest
//! event. A promotion begins a timeline, which the first pass of the new primary stores in the log; until that has arrived, nobody is proven
//! to follow it. Who follows another new primary than ours receives another timeline, and, if events are written there, has another log.
//!
//! **Nor does a request go back** when some of its statements are on a replica and others are not: what a replica shows is on the
//! primary's disk, so whoever is proven later has it. But a commit that waits for a synchronous standby is on disk before the primary
//! shows it. A replica may show it first; nobody was told of it, no cursor covers it, and a failover may lose it.
//!
//! **What it costs.** A question to the primary, shared by all who ask meanwhile, and one to the replica. Each has `LIMIT` at most, and a
//! replica that lags has `WAIT`. Then the primary is asked for the statement itself, and the replica is left alone until the task that
//! looks at it, every `LOOK`, has found it well. When it does not answer any more, this holds for statements that wait for it, too. So
//! nobody waits longer than that for a replica that is away, silent, behind, promoted or of another history. While the primary is away
//! nothing is proven, and queries answer what they would without replicas.

mod present;
mod why;

use std::{
    sync::{
        Arc, Once,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use sea_orm::sqlx;
use tokio::{
    sync::{Mutex as Turn, watch},
    time::{Instant, sleep, timeout},
};

use self::{
    present::Present,
    why::{Fault, Why},
};
use super::{
    Database, DatabaseConfig, DatabaseConnection, HostFacts,
    hosts::each_standby,
    lease::{Lease, Pool},
    open::{self, Limits},
    silence::Silence,
    trouble::Trouble,
    unavailable,
};
use crate::{
    Result, boxed,
    metrics::{Catalog, METRICS, labels, name},
};

/// How long the primary and a replica may take to say where they are, and a replica to give a connection.
const LIMIT: Duration = Duration::from_millis(500);
/// How long a statement waits for a replica that lags, and the first pause between two looks at it.
const WAIT: Duration = Duration::from_millis(20);
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// How long one that an operator asks about may take to come up.
const PATIENT_WAIT: Duration = Duration::from_secs(2);
/// The time between two looks of a process at a replica.
const LOOK: Duration = Duration::from_secs(1);
/// It is not known how far a replica is behind.
const UNKNOWN: u64 = u64::MAX;

/// The replicas of one primary; cheap to clone.
#[derive(Clone)]
pub(super) struct Replicas(Arc<Inner>);

struct Inner {
    primary: DatabaseConnection,
    /// When the primary was last asked where it is, and what it said.
    present: Mutex<Option<(Instant, Option<Arc<Present>>)>>,
    asking: Turn<()>,
    /// Nobody looks at replicas before they are used.
    looking: Once,
    all: Vec<Arc<Replica>>,
    next: AtomicUsize,
    reads_here: Counter,
    reads_there: Counter,
}

/// A standby.
pub(super) struct Replica {
    name: String,
    connection: DatabaseConnection,
    patience: Duration,
    /// Why it is left alone; `None` while it answers queries.
    left: watch::Sender<Option<Why>>,
    /// By how many events, when that was last seen.
    behind: AtomicU64,
}

impl Replicas {
    fn new(url: &str, config: &DatabaseConfig, primary: &DatabaseConnection) -> Result<Self> {
        let limits = Limits::of_requests(config);
        let hosts = each_standby(url).map_err(|wrong| unavailable(&wrong))?;
        let all = hosts.into_iter().map(|(name, url)| {
            let config = DatabaseConfig {
                url,
                acquire_timeout: LIMIT,
                ..config.clone()
            };
            let (silence, trouble) = (Silence::new(), Trouble::of(&format!("the replica {name}")));
            let most = config.max_connections;
            let pool = open::idle_postgres((&config, None), most, limits, &silence)?;
            let pool = ("replicas", Pool::Postgres(pool));
            Ok(Arc::new(Replica {
                name,
                connection: DatabaseConnection::new(pool, config.patience, silence, trouble),
                patience: config.patience,
                left: watch::Sender::new(Some(Why::Resting)),
                behind: AtomicU64::new(UNKNOWN),
            }))
        });
        let read = |place| {
            METRICS
                .replica_reads
                .get_or_create_owned(&labels([("place", place)]))
        };
        Ok(Self(Arc::new(Inner {
            primary: primary.patient(LIMIT),
            present: Mutex::default(),
            asking: Turn::default(),
            looking: Once::new(),
            all: all.collect::<Result<_>>()?,
            next: AtomicUsize::new(0),
            reads_here: read("primary"),
            reads_there: read("replica"),
        })))
    }

    /// Looks at each replica now and then, for as long as somebody may use it.
    fn keep_looking(&self) {
        for replica in &self.0.all {
            let (replicas, replica) = (Arc::downgrade(&self.0), replica.clone());
            tokio::spawn(async move {
                while let Some(inner) = replicas.upgrade() {
                    match Self(inner).prove_at(&replica, WAIT).await {
                        Ok(_) => replica.take_up(),
                        Err(fault) => replica.leave(&fault),
                    }
                    sleep(LOOK).await;
                }
            });
        }
    }

    /// Returns a session of a replica that has all that the primary has now; `None` when the primary is to be asked.
    pub(super) async fn prove(&self) -> Option<(Lease, Arc<Replica>)> {
        self.0.looking.call_once(|| self.keep_looking());
        let all = &self.0.all;
        let first = self.0.next.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..all.len()).map(|offset| &all[first.wrapping_add(offset) % all.len()]);
        let mut in_turn = in_turn.filter(|replica| replica.left.borrow().is_none());
        let Some(replica) = in_turn.next() else {
            self.fall_back(Why::Resting);
            return None;
        };
        match self.prove_at(replica, WAIT).await {
            Ok(lease) => Some((lease, replica.clone())),
            Err(fault) => {
                replica.leave(&fault);
                self.fall_back(fault.why);
                None
            }
        }
    }

    /// Waits for the answer of a proven session; `None` when the primary is to be asked.
    pub(super) async fn answer<T>(
        &self,
        replica: &Replica,
        answer: impl Future<Output = sqlx::Result<T>>,
    ) -> Option<T> {
        let mut left = replica.left.subscribe();
        let answer = tokio::select! {
            biased;
            answer = answer => answer.map_err(Fault::from),
            _ = left.wait_for(|left| *left == Some(Why::Away)) => Err(Why::Away.saying("does not answer")),
        };
        match answer {
            Ok(answer) => {
                self.0.reads_there.inc();
                Some(answer)
            }
            Err(fault) => {
                // Statements fail of themselves, too.
                if fault.why != Why::Failed {
                    replica.leave(&fault);
                }
                self.fall_back(fault.why);
                None
            }
        }
    }

    fn fall_back(&self, why: Why) {
        let labels = labels([("reason", why.name())]);
        METRICS.replica_fallbacks.get_or_create_owned(&labels).inc();
        self.0.reads_here.inc();
    }

    async fn prove_at(&self, replica: &Replica, wait: Duration) -> Result<Lease, Fault> {
        let asked = Instant::now();
        let Some(present) = self.present(asked).await else {
            return Err(Why::Primary.saying("the primary does not say where it is"));
        };
        let proven = replica.prove(&present, wait).await;
        if proven.as_ref().is_err_and(|fault| fault.why != Why::Behind) {
            replica.behind.store(UNKNOWN, Ordering::Relaxed);
        }
        proven
    }

    /// Returns where the primary is, as it said after `asked`; `None` when it does not say. What it says to one is good for all who
    /// wait for their turn to ask.
    async fn present(&self, asked: Instant) -> Option<Arc<Present>> {
        let _turn = self.0.asking.lock().await;
        match &*self.0.present.lock() {
            Some((began, present)) if *began >= asked => return present.clone(),
            // Who asks for a statement will hear it from the primary itself.
            Some((began, None)) if began.elapsed() < LOOK => return None,
            _ => {}
        }
        let began = Instant::now();
        let present = timeout(LIMIT, Present::of(&self.0.primary)).await;
        let present = present.ok().and_then(Result::ok).map(Arc::new);
        *self.0.present.lock() = Some((began, present.clone()));
        present
    }
}

impl Replica {
    async fn prove(&self, present: &Present, wait: Duration) -> Result<Lease, Fault> {
        let until = Instant::now() + wait;
        let mut pause = FIRST_PAUSE;
        let mut lease = self.connection.lease().await?;
        lease.set_patience(LIMIT);
        loop {
            let reached = present.reached_by(&mut lease).await?;
            self.behind.store(reached.behind, Ordering::Relaxed);
            if reached.has_all {
                lease.set_patience(self.patience);
                return Ok(lease);
            }
            if Instant::now() + pause > until {
                let events = reached.behind;
                return Err(Why::Behind.saying(format!("is behind, by {events} events")));
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    fn take_up(&self) {
        if self.left.send_replace(None).is_some() {
            let replica = &self.name;
            tracing::info!(replica, "the replica {replica} answers queries");
        }
    }

    fn leave(&self, fault: &Fault) {
        let Fault { why, says } = fault;
        // What the primary does not say is no fault of the replica.
        if *why != Why::Primary && self.left.send_replace(Some(*why)) != Some(*why) {
            let (replica, reason) = (&self.name, why.name());
            tracing::warn!(
                replica,
                reason,
                "the replica {replica} is left alone: it {says}"
            );
        }
    }
}

impl Database {
    /// Has queries answered by the standbys that the URL names, as far as they are proven to have all that the primary has.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn with_replicas(mut self, url: &str, config: &DatabaseConfig) -> Result<Self> {
        let replicas = Replicas::new(url, config, &self.background)?;
        self.queries = self.queries.with_replicas(replicas);
        Ok(self)
    }

    /// Asks each replica whether it has all that the primary has.
    #[boxed]
    pub async fn examine_replicas(&self) -> Vec<HostFacts> {
        let Some(replicas) = self.queries.replicas() else {
            return Vec::new();
        };
        let asked = replicas.0.all.iter().map(|replica| async {
            let proven = replicas.prove_at(replica, PATIENT_WAIT).await;
            HostFacts {
                name: replica.name.clone(),
                is_primary: false,
                is_well: proven.is_ok(),
                says: match proven {
                    Ok(_) => "has all that the primary has".to_owned(),
                    Err(fault) => fault.says,
                },
            }
        });
        join_all(asked).await
    }

    /// Returns the connections to all replicas: how many there are, how many of them are idle, and how many there may be.
    pub(crate) fn replica_counts(&self) -> Option<[u32; 3]> {
        let all = self.queries.replicas()?.0.all.iter();
        let counts = all.filter_map(|replica| replica.connection.counts());
        counts.reduce(|one, other| [0, 1, 2].map(|place| one[place] + other[place]))
    }

    /// Enters what is known of replicas in the catalog.
    pub(crate) fn enter_replicas(&self, catalog: &mut Catalog) {
        let help = "Events that a replica had yet to apply when this process last looked";
        let lag = name("millrace_replica_lag_events", help);
        let replicas = self.queries.replicas().cloned();
        catalog.read_gauge(lag, move || {
            let all = replicas.iter().flat_map(|replicas| &replicas.0.all);
            let known = all.filter_map(|replica| match replica.behind.load(Ordering::Relaxed) {
                UNKNOWN => None,
                behind => Some((labels([("replica", replica.name.as_str())]), behind as f64)),
            });
            known.collect()
        });
    }
}
