//! Settings of what is logged, which may change while the process runs: SIGHUP has them read again. Called by `start`.

use std::io::{self, IsTerminal};

use gateway::{
    access_log,
    config::{self, ProcessSettings},
    logging,
};
use tokio::signal::unix::{SignalKind, signal};

/// Sets from when on something is slow.
pub(super) fn apply(settings: &ProcessSettings) {
    access_log::warn_of_operations_over(settings.slow_operation);
    events::warn_of_statements_over(settings.slow_statement);
    events::trace::keep_over(settings.slow_operation);
}

/// Reads the settings again at every SIGHUP. At a terminal, where the signal says that it was closed, it ends the process as ever.
pub(super) fn reread_on_hangup() -> io::Result<()> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            let read = config::load_again();
            let set = read.and_then(|read| {
                let settings = &read.config.process;
                logging::set_levels(&settings.log)?;
                apply(settings);
                Ok(())
            });
            if let Err(error) = set {
                tracing::error!(
                    error,
                    "the settings cannot be read again; the log stays as it is"
                );
            }
        }
    });
    Ok(())
}
