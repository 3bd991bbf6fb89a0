//! `epoch`: shows the epoch of the log and its position, and begins a new one after the database was exchanged.

use entities::{CommandContext, operations::Operations};
use events::EventLog;

use super::{ACTOR, EpochSettings, OperatingError};
use crate::say;

pub(super) async fn run(
    log: &EventLog,
    operations: &Operations,
    settings: &EpochSettings,
) -> Result<(), OperatingError> {
    if !settings.begin {
        let cursor = log.tail().cursor();
        say!(
            "epoch {:08x}, at position {}",
            cursor.epoch,
            cursor.position
        );
        return Ok(());
    }
    let reason = settings.reason.clone().unwrap_or_default();
    let context = CommandContext::process(ACTOR);
    let begun = operations.begin_epoch(context, reason).await?;
    say!(
        "epoch {} begins, {} is over: clients with its cursors are told CURSOR_INVALID",
        begun.epoch,
        begun.over
    );
    Ok(())
}
