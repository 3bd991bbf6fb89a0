//! The task of a process that writes presence: arrivals and departures as they come, and every third of the lease a renewal,
//! with the numbers of sockets that changed, and a sweep. Failures are tried again, with growing pauses; they lose nothing, as the
//! changes to write are kept in `Local`.

use std::{sync::Arc, time::Duration};

use ::events::{Backoff, Error};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use uuid::Uuid;

use super::{
    Shared,
    local::{BATCH_USERS, Changes},
    record,
};

/// Arrivals within this time share a transaction.
const GATHER: Duration = Duration::from_millis(20);
/// The longest pause after failures.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// The number of batches of dead gateways' users in one round.
const SWEEP_BATCHES: usize = 50;

struct Keeper {
    shared: Arc<Shared>,
    /// The gateway's id while the database knows this process, which is while it has users.
    gateway: Option<Uuid>,
    /// When the next round is due.
    round_at: Instant,
}

/// Runs until the presence is stopped; `ends` is dropped then.
pub(super) async fn run(shared: Arc<Shared>, ends: watch::Sender<()>) {
    let mut keeper = Keeper {
        shared: shared.clone(),
        gateway: None,
        round_at: Instant::now(),
    };
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    loop {
        match keeper.pass().await {
            Ok(()) => backoff.reset(),
            Err(error) => {
                let failures = backoff.fail();
                if backoff.is_telling() {
                    tracing::warn!(%error, failures, "presence cannot be written; trying again");
                }
                sleep(backoff.pause()).await;
                continue;
            }
        }
        if shared.local().is_over() {
            break;
        }
        let next = keeper.next();
        tokio::select! {
            () = shared.changed.notified() => sleep(GATHER).await,
            () = sleep_until(next) => {}
        }
    }
    drop(ends);
}

impl Keeper {
    fn next(&self) -> Instant {
        let due = self.shared.local().next_due();
        due.map_or(self.round_at, |due| due.min(self.round_at))
    }

    async fn pass(&mut self) -> ::events::Result<()> {
        let is_round = Instant::now() >= self.round_at;
        let is_due = is_round && self.gateway.is_some();
        let kept = !is_due || self.renew_with_counts().await?;
        loop {
            let picked = self.shared.local().pick(Instant::now());
            let Some(changes) = picked else { break };
            if self.gateway.is_none()
                && let Err(error) = self.register().await
            {
                self.shared.local().unpick(&changes);
                return Err(error);
            }
            if !self.renew(changes).await? {
                // A database slower than the lease must not be queried without pause.
                sleep(GATHER).await;
            }
        }
        self.unregister_if_empty().await?;
        if is_round {
            // A process that lost its lease was cut off from the database, perhaps like all others: they, too, get the time to
            // come back before they are swept.
            if kept {
                self.sweep().await?;
            }
            self.round_at = Instant::now() + self.shared.config.lease / 3;
        }
        Ok(())
    }

    async fn register(&mut self) -> ::events::Result<()> {
        let (gateway, lease) = (Uuid::now_v7(), self.shared.config.lease);
        let shared = self.shared.clone();
        self.shared
            .log
            .write(move |tx| {
                let shared = shared.clone();
                Box::pin(async move { record::register(tx, gateway, &shared.name, lease).await })
            })
            .await?;
        self.gateway = Some(gateway);
        Ok(())
    }

    /// Renews the lease, and writes each number of sockets that has changed, once; those that change meanwhile wait for the next
    /// renewal. Returns like `renew`.
    async fn renew_with_counts(&mut self) -> ::events::Result<bool> {
        let mut last = None;
        loop {
            let changes = self.shared.local().pick_counts(last);
            let is_full = changes.counts.len() == BATCH_USERS;
            last = changes.counts.last().map(|count| count.user_id);
            if !self.renew(changes).await? {
                return Ok(false);
            }
            if !is_full {
                return Ok(true);
            }
        }
    }

    /// Writes changes, which renews the lease. Returns false if the lease was lost, so that all users have to be entered again.
    async fn renew(&mut self, changes: Changes) -> ::events::Result<bool> {
        let Some(gateway) = self.gateway else {
            return Ok(false);
        };
        let lease = self.shared.config.lease;
        let written = Arc::new(changes);
        let changes = written.clone();
        let renewed = self.shared.log.write(move |tx| {
            let changes = changes.clone();
            Box::pin(async move { record::renew(tx, gateway, lease, &changes).await })
        });
        let renewed = renewed.await;
        if renewed.as_ref().is_err_and(Error::is_left_undone) {
            self.shared.local().unpick(&written);
        }
        let is_kept = renewed?;
        if is_kept {
            self.shared.local().written(&written);
        } else {
            tracing::warn!(%gateway, "the lease of this gateway has expired; entering its users again");
            self.gateway = None;
            self.shared.local().forget();
        }
        Ok(is_kept)
    }

    async fn unregister_if_empty(&mut self) -> ::events::Result<()> {
        let is_empty = self.shared.local().is_empty();
        if let Some(gateway) = self.gateway.filter(|_| is_empty) {
            self.shared
                .log
                .write(move |tx| Box::pin(record::unregister(tx, gateway)))
                .await?;
            self.gateway = None;
        }
        Ok(())
    }

    /// Sweeps dead gateways. It first reads whether there are any: an unnecessary transaction would, on SQLite, wait for the
    /// one writer.
    async fn sweep(&self) -> ::events::Result<()> {
        let (log, lease) = (&self.shared.log, self.shared.config.lease);
        for _ in 0..SWEEP_BATCHES {
            if !record::is_any_expired(&log.database().background, lease).await?
                || !log
                    .write(move |tx| Box::pin(record::sweep(tx, lease)))
                    .await?
            {
                break;
            }
        }
        Ok(())
    }
}
