//! Whether a process may be sent work: its database can be read and written, and it has seen the present lately. One that has
//! not seen it decides nothing by what it remembers, and answers late; another may do better. Asked by the programs' health, and
//! told when it begins, when its cause is another, and when it ends.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{EventLog, boxed, error_chain};

/// Events of others arrive within milliseconds; a process that has not looked for so long cannot look.
const PRESENT: Duration = Duration::from_secs(8);
/// How often it is looked whether the present has been seen.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long the database may take to show that it is there.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

impl EventLog {
    /// Whether this process may be sent work now.
    ///
    /// # Errors
    /// Why it may not, for the log.
    #[boxed]
    pub async fn readiness(&self) -> Result<(), String> {
        match timeout(CHECK_LIMIT, self.database().check()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(format!("the database: {}", error_chain(&error))),
            Err(_) => return Err("the database does not answer".to_owned()),
        }
        match self.behind(PRESENT) {
            None => Ok(()),
            Some(behind) => Err(behind.to_string()),
        }
    }
}

/// Tells of a process that has lost sight of the present, whoever asks or not.
pub(crate) async fn watch(log: EventLog) {
    let mut told = None;
    loop {
        sleep(LOOK_INTERVAL).await;
        let behind = log.behind(PRESENT);
        let because = behind.map(|behind| behind.because);
        if because != told {
            match behind {
                None => tracing::info!("the present of the log is seen again"),
                Some(behind) => tracing::error!(
                    position = behind.position,
                    head = behind.head,
                    "this process has lost sight of the present of the log, and is not ready: {behind}"
                ),
            }
            told = because;
        }
    }
}
