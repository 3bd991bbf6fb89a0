//! The log's epoch, for operators: reading it and ending it. An operator ends it after the database was replaced in a way that
//! Millrace cannot detect, before programs that remember the old one go on.

use uuid::Uuid;

use super::{
    Done, Operations,
    events::{EpochBegun, OperationEventKind, append_in_tx},
};
use crate::{
    CommandContext,
    access::{Action, authorize},
    boxed,
};

/// A new epoch that an operator began.
#[derive(Debug, Clone)]
pub struct BegunEpoch {
    /// The epoch that has ended, as in cursors.
    pub over: String,
    /// The new epoch.
    pub epoch: String,
}

impl Operations {
    /// Begins a new epoch: every older cursor is refused, every subscription ends with CURSOR_INVALID, and what processes and
    /// Redis remember of the log is no longer used. The event of the operation is appended in the same transaction.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be used.
    #[boxed]
    pub async fn begin_epoch(&self, context: CommandContext, reason: String) -> Done<BegunEpoch> {
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
