//! Several Postgres hosts, of which one is the primary: which one that is, and when to look for it. Used by `switching`, whose pools
//! belong to one primary each, by `millrace` before it starts, and by its `doctor`. A URL with one host has none of this.
//!
//! **Only a primary is used.** A host counts if it says that it is not in recovery and accepts writes. Every new connection asks
//! that before it is handed out (`Place::admit`). One of the old ones asks again every `PROOF_INTERVAL` while the process uses any,
//! and each that was idle. So a server that was fenced is left even by those who only read.
//!
//! **Nobody goes back.** A primary is a host, a cluster and a timeline. A promotion begins a newer timeline, and a process takes
//! none that is older than the one it has used, nor another cluster (`choice`). So an old primary that comes back is refused,
//! whatever it believes, by each process that has seen its successor; and one that has not sees both if both answer in `GRACE`.
//!
//! **A look costs a bounded time, and nothing while all is well.** It asks all hosts at once, each for `ATTEMPT`; when one is the
//! primary, the others have another `GRACE`. Who waits for a connection for `STALL`, is refused one, loses one, or hears that the
//! server is read-only, asks for a look; one runs at a time, for all of them, and `PAUSE` passes before the next. What it finds wakes
//! those who wait for a connection, and ends what is under way on connections to another primary.
//!
//! **What cannot be known.** A process that starts while only the old primary answers uses it. Of two servers that were promoted
//! from the same timeline, none is newer. And an old primary that accepts writes from those who can reach only it is used by them
//! until they look: it has to be fenced, or its commits have to wait for a standby.

mod choice;
mod place;
mod urls;

use std::{
    io,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use parking_lot::Mutex;
use sea_orm::{
    DbErr, RuntimeErr, SqlxError,
    sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row, postgres::PgConnectOptions},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};

pub(super) use self::urls::each_standby;
pub use self::urls::replica_url_error;
pub(super) use self::{
    choice::{Identity, Primary},
    place::Place,
};
use crate::{Result, boxed, error::outage};

/// How long a host may take to say what it is.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How much longer the others have when one has said that it is the primary.
const GRACE: Duration = Duration::from_secs(1);
/// The pause between two looks.
pub(super) const PAUSE: Duration = Duration::from_millis(500);
/// The same when the primary was well: those who wait for a connection only wait for each other.
const WELL_PAUSE: Duration = Duration::from_secs(2);
/// How long somebody waits for a connection before they ask for a look.
pub(super) const STALL: Duration = Duration::from_millis(500);
/// How often a connection in use proves that its server is still a primary.
const PROOF_INTERVAL: Duration = Duration::from_secs(10);

/// The hosts of one URL; cheap to clone.
#[derive(Clone, Debug)]
pub struct PostgresHosts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    hosts: Vec<Host>,
    chosen: watch::Sender<Option<Primary>>,
    is_looking: AtomicBool,
    /// What the last look found instead of a primary.
    failure: Mutex<Option<String>>,
    proved: Mutex<Instant>,
}

#[derive(Debug)]
struct Host {
    /// As the URL has it, with its port if it has one.
    name: String,
    url: String,
    options: PgConnectOptions,
}

/// What a host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Primary(Identity),
    ReadOnly,
    Standby,
}

/// What a host says of itself, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// The host, as the URL has it.
    pub name: String,
    /// What it is, or why that is not known.
    pub says: String,
    /// Whether it accepts writes.
    pub is_primary: bool,
    /// Whether it is what one of several hosts should be.
    pub is_well: bool,
}

impl PostgresHosts {
    /// Returns the hosts of a URL that names several, or asks for `target_session_attrs`; none for any other.
    ///
    /// # Errors
    /// What is wrong with the URL, without the URL itself: it may contain a password.
    pub fn of(url: &str) -> std::result::Result<Option<Self>, String> {
        let hosts = urls::split(url)?;
        if hosts.is_empty() {
            return Ok(None);
        }
        let hosts = hosts.into_iter().map(|(name, url)| {
            let options = PgConnectOptions::from_str(&url).map_err(|error| error.to_string())?;
            let options = options
                .application_name("millrace")
                .disable_statement_logging();
            Ok(Host { name, url, options })
        });
        let hosts = hosts.collect::<std::result::Result<_, String>>()?;
        Ok(Some(Self(Arc::new(Inner {
            hosts,
            chosen: watch::Sender::new(None),
            is_looking: AtomicBool::new(false),
            failure: Mutex::default(),
            proved: Mutex::new(Instant::now()),
        }))))
    }

    /// Waits until one of the hosts is the primary, for `limit` at most; returns the URL of it alone.
    ///
    /// # Errors
    /// What each host is instead, at once when all of them refuse this process.
    #[boxed]
    pub async fn await_primary(&self, limit: Duration) -> Result<String> {
        let until = Instant::now() + limit;
        let mut is_told = false;
        loop {
            let (found, may_come) = self.look().await;
            if let Some(primary) = found {
                return Ok(self.0.hosts[primary.host].url.clone());
            }
            let failure = self.failure();
            if !may_come || Instant::now() + PAUSE >= until {
                return Err(DbErr::Conn(RuntimeErr::SqlxError(failure.into())).into());
            }
            if !std::mem::replace(&mut is_told, true) {
                tracing::info!(error = %failure, "the database is not there yet; waiting {limit:?} for it");
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks each host what it is.
    #[boxed]
    pub async fn examine(&self) -> Vec<HostFacts> {
        let asked = self.0.hosts.iter().map(|host| async {
            let said = timeout(ATTEMPT, host.ask()).await.ok();
            let standing = said.as_ref().and_then(|said| said.as_ref().ok().copied());
            HostFacts {
                name: host.name.clone(),
                says: describe(said.as_ref(), None),
                is_primary: matches!(standing, Some(Standing::Primary(_))),
                is_well: matches!(standing, Some(Standing::Primary(_) | Standing::Standby)),
            }
        });
        join_all(asked).await
    }

    pub(super) fn chosen(&self) -> Option<Primary> {
        *self.0.chosen.borrow()
    }

    pub(super) fn watch(&self) -> watch::Receiver<Option<Primary>> {
        self.0.chosen.subscribe()
    }

    pub(super) fn options(&self, primary: Primary) -> PgConnectOptions {
        self.0.hosts[primary.host].options.clone()
    }

    fn name(&self, primary: Primary) -> &str {
        &self.0.hosts[primary.host].name
    }

    /// Has somebody look, unless somebody does already or has just done so.
    pub(super) fn suspect(&self) {
        if self.0.is_looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let looking = Looking(self.clone());
        tokio::spawn(async move {
            let before = looking.0.chosen();
            let (found, _) = looking.0.look().await;
            let is_well = found.is_some() && found == before;
            sleep(if is_well { WELL_PAUSE } else { PAUSE }).await;
        });
    }

    /// Returns why there is no connection: what the last look found, if it found no primary.
    pub(super) fn failure(&self) -> SqlxError {
        match self.0.failure.lock().clone() {
            Some(failure) => SqlxError::Io(io::Error::other(failure)),
            None => SqlxError::PoolTimedOut,
        }
    }

    /// Asks all hosts what they are, and chooses the primary. Without one, returns also whether one may still come.
    async fn look(&self) -> (Option<Primary>, bool) {
        let (hosts, before) = (&self.0.hosts, self.chosen());
        let mut said: Vec<_> = hosts.iter().map(|_| None).collect();
        let asked = hosts.iter().enumerate();
        let mut asked: FuturesUnordered<_> = asked
            .map(|(place, host)| async move { (place, host.ask().await) })
            .collect();
        let mut until = Instant::now() + ATTEMPT;
        while let Ok(Some((place, standing))) = timeout_at(until, asked.next()).await {
            if let Ok(Standing::Primary(identity)) = &standing
                && choice::objection(before, *identity).is_none()
            {
                until = until.min(Instant::now() + GRACE);
            }
            said[place] = Some(standing);
        }
        let found = said
            .iter()
            .enumerate()
            .filter_map(|(host, said)| match said {
                Some(Ok(Standing::Primary(identity))) => Some(Primary {
                    host,
                    identity: *identity,
                }),
                _ => None,
            });
        let chosen = choice::choose(before, &found.collect::<Vec<_>>());
        let failure = chosen.is_none().then(|| {
            let each = hosts.iter().zip(&said);
            let each = each
                .map(|(host, said)| format!("{} {}", host.name, describe(said.as_ref(), before)));
            let each = each.collect::<Vec<_>>().join("; ");
            format!("no host is the primary: {each}")
        });
        *self.0.failure.lock() = failure;
        if let Some(primary) = chosen {
            self.choose(primary);
        }
        (chosen, said.iter().any(|said| may_come(said.as_ref())))
    }

    fn choose(&self, primary: Primary) {
        let before = self.0.chosen.send_replace(Some(primary));
        let (host, timeline) = (self.name(primary), primary.identity.timeline);
        match before {
            Some(before) if before == primary => {}
            None => tracing::info!(host, timeline, "{host} is the primary"),
            Some(before) => {
                let before = self.name(before);
                tracing::warn!(host, timeline, before, "{host} is the primary now");
            }
        }
    }

    /// Returns whether it is time for a connection to prove that its server is a primary, and gives the turn away.
    fn take_proof_turn(&self) -> bool {
        let mut proved = self.0.proved.lock();
        let is_due = proved.elapsed() >= PROOF_INTERVAL;
        if is_due {
            *proved = Instant::now();
        }
        is_due
    }
}

/// The one look that is under way. Dropped, it makes room for the next.
struct Looking(PostgresHosts);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.0.is_looking.store(false, Ordering::Release);
    }
}

impl Host {
    async fn ask(&self) -> std::result::Result<Standing, SqlxError> {
        let mut connection = self.options.connect().await?;
        let standing = standing(&mut connection).await;
        // The outcome of the close does not matter.
        let _ = timeout(GRACE, connection.close()).await;
        standing
    }
}

async fn standing(connection: &mut PgConnection) -> std::result::Result<Standing, SqlxError> {
    let statement = "select pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'";
    let row = connection
        .fetch_one(sea_orm::sqlx::raw_sql(statement))
        .await?;
    match (row.try_get(0)?, row.try_get(1)?) {
        (true, _) => return Ok(Standing::Standby),
        (false, true) => return Ok(Standing::ReadOnly),
        (false, false) => {}
    }
    // Every role may ask for both, unless somebody has revoked it. The checkpoint's timeline would be that from before a promotion.
    let cluster = "select system_identifier from pg_control_system()";
    let timeline = "select left(pg_walfile_name(pg_current_wal_lsn()), 8)";
    let cluster = if_permitted::<i64>(connection, cluster).await?;
    let timeline = if_permitted::<String>(connection, timeline).await?;
    Ok(Standing::Primary(Identity {
        cluster,
        timeline: timeline.and_then(|digits| u32::from_str_radix(&digits, 16).ok()),
    }))
}

/// Returns the value that a statement selects, or nothing if the database refuses to tell.
async fn if_permitted<T>(
    connection: &mut PgConnection,
    statement: &'static str,
) -> std::result::Result<Option<T>, SqlxError>
where
    T: for<'row> sea_orm::sqlx::Decode<'row, sea_orm::sqlx::Postgres>
        + sea_orm::sqlx::Type<sea_orm::sqlx::Postgres>,
{
    match connection
        .fetch_one(sea_orm::sqlx::raw_sql(statement))
        .await
    {
        Ok(row) => row.try_get(0),
        Err(SqlxError::Database(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

type Said = std::result::Result<Standing, SqlxError>;

/// Returns what a host said, as the end of a sentence that begins with its name.
fn describe(said: Option<&Said>, before: Option<Primary>) -> String {
    match said {
        None => format!("does not answer within {ATTEMPT:?}"),
        Some(Err(error)) => format!("cannot be used: {error}"),
        Some(Ok(Standing::Standby)) => "is a standby".to_owned(),
        Some(Ok(Standing::ReadOnly)) => "is read-only".to_owned(),
        Some(Ok(Standing::Primary(identity))) => {
            let timeline = identity.timeline.map(|it| format!(", on timeline {it}"));
            let objection = choice::objection(before, *identity);
            let objection = objection.map(|it| format!(", but {it}"));
            let [timeline, objection] = [timeline, objection].map(Option::unwrap_or_default);
            format!("is a primary{timeline}{objection}")
        }
    }
}

/// Returns whether a host that was not chosen may be the primary later, without anybody changing this process's settings.
fn may_come(said: Option<&Said>) -> bool {
    match said {
        Some(Err(SqlxError::Tls(_))) => false,
        Some(Err(error)) => outage(error).is_some(),
        _ => true,
    }
}
