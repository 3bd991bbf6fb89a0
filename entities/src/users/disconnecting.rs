//! Disconnects a user. This is an event and not a whisper: a gateway that is cut off from Redis for a moment loses a whisper,
//! and a socket that an administrator was told is closed would stay open. The event reaches every gateway, from the log if
//! necessary, and each closes the user's sockets when it arrives (`grants`). A socket that is opened in the same moment may be
//! closed with the others; none that was open before stays open.

use ::events::Tx;
use serde::{Deserialize, Serialize};

use super::{UserError, Users, commands::lock_user, events::Revocation, sessions::end_sessions};
use crate::{
    CommandContext,
    access::{Action, UserId, authorize},
    boxed, idempotency,
    operations::{self, OperationEventKind, UserSocketsClosed},
};

/// The result of disconnecting a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnected {
    /// How many sessions were ended; 0 unless that was requested.
    pub ended_sessions: u32,
}

impl Users {
    /// Closes all sockets of a user, on all gateways. With `ends_sessions` it also ends the user's sessions, so that their
    /// tokens are no longer valid.
    ///
    /// # Errors
    /// `NotFound` when the user does not exist.
    #[boxed]
    pub async fn disconnect(
        &self,
        context: CommandContext,
        id: UserId,
        ends_sessions: bool,
    ) -> Result<Disconnected, UserError> {
        authorize(&context.viewer, Action::ManageUsers)?;
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move {
                    let work = disconnect_in_tx(tx, &context, id, ends_sessions);
                    idempotency::once(tx, &context, work).await
                })
            })
            .await
    }
}

async fn disconnect_in_tx(
    tx: &Tx<'_>,
    context: &CommandContext,
    id: UserId,
    ends_sessions: bool,
) -> Result<Disconnected, UserError> {
    // Of two concurrent commands the second waits here, and its event follows the first one's.
    let user = lock_user(tx, id).await?;
    let ended_sessions = match ends_sessions {
        true => end_sessions(tx, context, user.id, |_| true, Revocation::Disconnected).await?,
        false => 0,
    };
    let stream = user.id.uuid();
    let versions = tx.last_versions(operations::STREAM, &[stream]).await?;
    let data = UserSocketsClosed {
        user_id: user.id,
        ended_sessions,
    };
    let expected = versions.get(&stream).copied().unwrap_or(0);
    let kind = OperationEventKind::UserSocketsClosed;
    operations::append_in_tx(tx, context, kind, stream, expected, &data).await?;
    Ok(Disconnected { ended_sessions })
}
