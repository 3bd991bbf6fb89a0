//! Disconnecting a user. It is an event and no whisper: a whisper is lost to a gateway that is cut off from Redis for a moment,
//! and the socket that an administrator was told is closed would stay. The event reaches every gateway, from the log if need
//! be, and each closes what is open there when it arrives (`grants`). A socket that is opened in the same moment may
//! be closed with the others; none that was open before stays.

use ::events::Tx;
use serde::{Deserialize, Serialize};

use super::{UserError, Users, commands::lock_user, events::Revocation, sessions::end_sessions};
use crate::{
    CommandContext,
    access::{Action, UserId, authorize},
    boxed, idempotency,
    operations::{self, OperationEventKind, UserSocketsClosed},
};

/// What became of a user's connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disconnected {
    /// How many sessions were ended; none unless that was asked for.
    pub ended_sessions: u32,
}

impl Users {
    /// Closes all sockets of a user, on all gateways; with `ends_sessions` their tokens are good for nothing any more.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
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
    // Of two at once the second waits here, and counts on from the event of the first.
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
