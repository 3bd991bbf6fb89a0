//! Presence: which users are connected, from the open sockets of all gateways. `enter` only counts in memory; one task in each
//! process writes the changes, many users in one transaction, and sweeps gateways that died.
//!
//! Why `user_presence` is right after every commit, that is, online exactly for those with rows in `presence_socket`:
//!
//! - Rows in `presence_socket` come and go only in a transaction that holds two locks: of the gateway's row, and of the user's row
//!   in `user_presence`. Because of the second, transactions that change the same user's rows wait for each other, and the one
//!   that gets the lock counts the user's rows in a later statement, which sees all earlier commits. So if two gateways lose a
//!   user's last two connections at once, the second finds none left; an arrival that races with a sweep either comes first,
//!   and its row is seen, or finds the user offline, and records that they are back.
//! - A gateway renews its row in every transaction in which it writes, on the condition that its lease has not expired by the
//!   database's clock. A sweep locks only a row whose lease has expired. The row lock orders the two: either the renewal is
//!   first, and the sweep finds the row alive, or the lease had expired, and no later renewal succeeds. Two processes that
//!   sweep skip each other's locked rows.
//! - So a gateway's id is dead for good once its lease has expired, and a sweep may take several transactions. A gateway that
//!   was paused past its lease learns it from its first write, which changes nothing: it takes a new id and enters all its
//!   users under that. Users whom a sweep already took offline come back online; for the others nothing changes.
//! - How many sockets a row has (`sockets`) changes nothing of that, so the lock of the gateway's row is enough for it. Only its gateway
//!   writes it: with the arrival, and at the renewals of the lease.
//! - Every step may be repeated: a commit whose answer was lost is written again and changes nothing. It is so before anything else is
//!   written, as it was: else who came back after a lost departure, or left after a lost arrival, would stay as they were.

mod local;
mod record;
mod sockets;
pub(super) mod tables;
mod task;

use std::{sync::Arc, time::Duration};

use ::events::EventLog;
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout},
};

use crate::{access::UserId, boxed};
use local::Local;

pub use sockets::UserSockets;

/// A process that stops waits no longer than this for the database.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The shortest lease; a shorter one would expire before it is renewed.
const LEAST_LEASE: Duration = Duration::from_millis(300);

/// The configuration of presence.
#[derive(Debug, Clone, Copy)]
pub struct PresenceConfig {
    /// How long the users of a process that does not renew its lease count as connected; it renews after a third. At least 300
    /// ms.
    pub lease: Duration,
    /// How long a user without connections still counts as connected, so that a reconnect goes unnoticed.
    pub grace: Duration,
}

impl Default for PresenceConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            grace: Duration::from_secs(5),
        }
    }
}

struct Shared {
    local: Mutex<Local>,
    /// Notifies the task that it has to write, or to wait for a time earlier than it knew.
    changed: Notify,
    log: EventLog,
    config: PresenceConfig,
    /// What this process is called in the tables.
    name: String,
}

impl Shared {
    fn local(&self) -> MutexGuard<'_, Local> {
        self.local.lock()
    }
}

/// The presence of the users of one process. Clones are the same.
#[derive(Clone)]
pub struct Presence {
    shared: Arc<Shared>,
    ended: watch::Receiver<()>,
}

/// A connection of a user; dropping it ends it.
#[must_use = "the user counts as connected for as long as this lives"]
pub struct PresenceGuard {
    shared: Arc<Shared>,
    user_id: UserId,
}

impl Presence {
    /// Starts the task that writes presence for this process, and sweeps dead gateways. `name` is what administrators know the
    /// process by.
    pub fn start(log: EventLog, mut config: PresenceConfig, name: String) -> Self {
        config.lease = config.lease.max(LEAST_LEASE);
        let shared = Arc::new(Shared {
            local: Mutex::default(),
            changed: Notify::new(),
            log,
            config,
            name,
        });
        let (ends, ended) = watch::channel(());
        tokio::spawn(task::run(shared.clone(), ends));
        Self { shared, ended }
    }

    /// Counts one more connection of a user. It costs a look-up in a map; the task writes the change soon after.
    pub fn enter(&self, user_id: UserId) -> PresenceGuard {
        if self.shared.local().enter(user_id) {
            self.shared.changed.notify_one();
        }
        PresenceGuard {
            shared: self.shared.clone(),
            user_id,
        }
    }

    /// Ends all connections of this process at once, without grace, and writes the departures, for at most five seconds. A
    /// sweep does the rest after the lease has expired.
    #[boxed]
    pub async fn stop(&self) {
        self.shared.local().stop(Instant::now(), ::events::now());
        self.shared.changed.notify_one();
        let mut ended = self.ended.clone();
        // The value never changes; the channel closes with the task.
        if timeout(STOP_LIMIT, ended.changed()).await.is_err() {
            tracing::warn!(
                "presence could not be written before the stop; a sweep follows when the lease expires"
            );
        }
    }
}

impl Drop for PresenceGuard {
    fn drop(&mut self) {
        let (now, grace) = (Instant::now(), self.shared.config.grace);
        let mut local = self.shared.local();
        if local.leave(self.user_id, now + grace, ::events::now()) {
            self.shared.changed.notify_one();
        }
    }
}
