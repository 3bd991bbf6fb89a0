//! The connections of one kind of work to Postgres. With several hosts, a pool belongs to one primary: when another is chosen, another
//! pool takes its place, so no connection can be mistaken for one to the new primary. Who waits for a connection to the old one
//! waits for one to the new one instead, as long as they would have waited anyway. Used by `lease`.

use std::{pin::pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sea_orm::sqlx::{self, PgPool, Postgres, pool::PoolConnection};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::hosts::{PAUSE, Place, PostgresHosts, Primary, STALL};
use crate::error::outage;

/// How long idle connections to an old primary may take to close. Nobody waits for it.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// Connections for one kind of work; cheap to clone.
#[derive(Clone)]
pub(super) enum PostgresPool {
    /// To the only host.
    Fixed(PgPool),
    /// To the one of several hosts that is the primary.
    Switching(Arc<Switching>),
}

pub(super) struct Switching {
    hosts: PostgresHosts,
    open: Box<dyn Fn(&Place) -> PgPool + Send + Sync>,
    /// How long somebody waits for a connection.
    limit: Duration,
    current: Mutex<Option<(Primary, PgPool)>>,
}

impl PostgresPool {
    /// Takes a connection, and where it leads if there are several hosts.
    pub(super) async fn acquire(&self) -> sqlx::Result<(PoolConnection<Postgres>, Option<Place>)> {
        match self {
            Self::Fixed(pool) => Ok((pool.acquire().await?, None)),
            Self::Switching(switching) => {
                let until = Instant::now() + switching.limit;
                match timeout_at(until, switching.acquire()).await {
                    Ok(acquired) => acquired.map(|(connection, place)| (connection, Some(place))),
                    Err(_) => Err(switching.hosts.failure()),
                }
            }
        }
    }

    /// Returns the pool of the moment, if any host was ever the primary.
    pub(super) fn current(&self) -> Option<PgPool> {
        match self {
            Self::Fixed(pool) => Some(pool.clone()),
            Self::Switching(switching) => switching.current().map(|(_, pool)| pool),
        }
    }
}

impl Switching {
    pub(super) fn new(
        hosts: &PostgresHosts,
        limit: Duration,
        open: impl Fn(&Place) -> PgPool + Send + Sync + 'static,
    ) -> Arc<Self> {
        let switching = Arc::new(Self {
            hosts: hosts.clone(),
            open: Box::new(open),
            limit,
            current: Mutex::default(),
        });
        let (mut chosen, watched) = (hosts.watch(), Arc::downgrade(&switching));
        // Idle connections to an old primary are closed even if nobody asks for one.
        tokio::spawn(async move {
            while chosen.changed().await.is_ok() {
                let Some(switching) = watched.upgrade() else {
                    return;
                };
                switching.current();
            }
        });
        switching
    }

    async fn acquire(&self) -> sqlx::Result<(PoolConnection<Postgres>, Place)> {
        let mut chosen = self.hosts.watch();
        loop {
            chosen.mark_unchanged();
            let Some((place, pool)) = self.current() else {
                self.hosts.suspect();
                // It is called again when it was asked for too soon after another look.
                let _ = timeout(PAUSE, chosen.changed()).await;
                continue;
            };
            let mut acquiring = pin!(pool.acquire());
            let acquired = loop {
                tokio::select! {
                    biased;
                    acquired = &mut acquiring => break Some(acquired),
                    _ = chosen.changed() => break None,
                    () = sleep(STALL) => self.hosts.suspect(),
                }
            };
            match acquired {
                Some(Ok(connection)) if !place.is_left() => return Ok((connection, place)),
                // The password is wrong, for example.
                Some(Err(error)) if outage(&error).is_none() => return Err(error),
                Some(Err(_)) => {
                    self.hosts.suspect();
                    let _ = timeout(PAUSE, chosen.changed()).await;
                }
                Some(Ok(_)) | None => {}
            }
        }
    }

    /// Returns the pool of the chosen primary; that of another one is closed.
    fn current(&self) -> Option<(Place, PgPool)> {
        let mut current = self.current.lock();
        // It is read under the lock, so that nobody puts an older pool in the place of a newer one.
        let place = Place {
            primary: self.hosts.chosen()?,
            hosts: self.hosts.clone(),
        };
        if let Some((primary, pool)) = &*current
            && *primary == place.primary
        {
            return Some((place, pool.clone()));
        }
        let pool = (self.open)(&place);
        if let Some((_, old)) = current.replace((place.primary, pool.clone())) {
            tokio::spawn(async move { timeout(CLOSE_LIMIT, old.close()).await });
        }
        Some((place, pool))
    }
}
