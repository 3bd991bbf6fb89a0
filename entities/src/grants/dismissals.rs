//! Notices that a user's connections have to end: the user was deactivated, or an administrator closes their sockets. A
//! connection registers before it is used, so that no later notice is missed. Called by the gateway for every socket and
//! stream.

use std::{
    sync::{Weak, atomic::Ordering},
    time::Duration,
};

use events::EventLog;

use super::{Grants, Held, Key, Registry};
use crate::{access::UserId, boxed, operations, users::Caller};

/// The pause before a failed check is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Why a user's connections have to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dismissal {
    /// The user was deactivated.
    Deactivated,
    /// An administrator closed the user's sockets.
    Disconnected,
}

/// Receives the notice that a user's connections have to end. It misses nothing that happens after its creation, whenever it is
/// polled.
pub struct Dismissals {
    user_id: UserId,
    user: Held,
    sockets: Held,
}

impl Grants {
    /// Registers a connection of the user. Must be called before the connection is used.
    pub fn dismissals(&self, user_id: UserId) -> Dismissals {
        let (user, sockets) = (
            self.hold(Caller::anonymous()),
            self.hold(Caller::anonymous()),
        );
        user.register(Key::User(user_id));
        sockets.register(Key::Sockets(user_id));
        Dismissals {
            user_id,
            user,
            sockets,
        }
    }
}

impl Dismissals {
    /// Resolves when the connection has to end.
    #[boxed]
    pub async fn dismissed(&self) -> Dismissal {
        tokio::select! {
            biased;
            () = self.disconnected() => Dismissal::Disconnected,
            () = self.deactivated() => Dismissal::Deactivated,
        }
    }

    /// Resolves when an administrator closes the user's sockets.
    #[boxed]
    pub async fn disconnected(&self) {
        let signal = &self.sockets.signal;
        loop {
            let changed = signal.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if signal.is_stale.load(Ordering::Acquire) {
                return;
            }
            changed.await;
        }
    }

    async fn deactivated(&self) {
        let users = &self.user.grants.0.users;
        loop {
            let changed = self.user.signal.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            // The future is boxed because every open socket keeps it.
            match Box::pin(users.is_deactivated(self.user_id)).await {
                Ok(true) => return,
                Ok(false) => changed.await,
                // The subscriptions of the user are checked by themselves; only the socket stays a little longer.
                Err(error) => {
                    tracing::warn!(%error, "could not check whether a user was deactivated");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}

/// Closes the sockets of users who were disconnected by events after `after`, which were missed, and pruned. A user's
/// disconnections are a stream of their own, whose last event is never pruned; the ids of other operations are nobody's
/// sockets.
pub(super) async fn close_missed(log: EventLog, registry: Weak<Registry>, after: u64) {
    loop {
        match log.last_positions(operations::STREAM, after).await {
            Ok(found) => {
                if let Some(registry) = registry.upgrade() {
                    for (user_id, _) in found {
                        registry.mark(Key::Sockets(UserId::from_uuid(user_id)));
                    }
                }
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "could not check which users were disconnected");
                tokio::time::sleep(RETRY).await;
            }
        }
        if registry.strong_count() == 0 {
            return;
        }
    }
}
