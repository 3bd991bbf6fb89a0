//! The log's epoch, for operators: what it is, and ending it. It is ended by hand after the database was exchanged in a way that it
//! cannot tell of itself, before programs that remember the one before go on.

use uuid::Uuid;

use super::{
    OperationError, Operations,
    events::{EpochBegun, OperationEventKind, append_in_tx},
};
use crate::{
    CommandContext,
    access::{Action, authorize},
    boxed,
};

/// An epoch that an operator began.
#[derive(Debug, Clone)]
pub struct BegunEpoch {
    /// The one that is over, as cursors have it.
    pub over: String,
    /// The one that begins.
    pub epoch: String,
}

impl Operations {
    /// Begins a new epoch: every cursor of the one before is refused, every subscription ends with CURSOR_INVALID, and what
    /// processes and Redis remember of the log is not used any more. The event that tells of it is in the same transaction.
    ///
    /// # Errors
    /// When the viewer may not, and when the database cannot be used.
    #[boxed]
    pub async fn begin_epoch(
        &self,
        context: CommandContext,
        reason: String,
    ) -> Result<BegunEpoch, OperationError> {
        authorize(&context.viewer, Action::OperateWorkers)?;
        self.log
            .write(move |tx| {
                let (context, reason) = (context.clone(), reason.clone());
                Box::pin(async move {
                    let (over, epoch) = tx.begin_epoch().await?;
                    let begun = BegunEpoch {
                        over: format!("{over:08x}"),
                        epoch: format!("{epoch:08x}"),
                    };
                    let data = EpochBegun {
                        over: begun.over.clone(),
                        epoch: begun.epoch.clone(),
                        reason,
                    };
                    let kind = OperationEventKind::EpochBegun;
                    append_in_tx(tx, &context, kind, Uuid::now_v7(), 0, &data).await?;
                    Ok(begun)
                })
            })
            .await
    }
}
