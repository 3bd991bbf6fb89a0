//! Whether a process may be sent work: it can read and write its database, and it has seen the present of the log lately. A
//! process that has not decides nothing from memory and answers late; another may do better. The programs' health checks ask
//! here, and a log line is written when it becomes unready, when the reason changes, and when it is ready again.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::{EventLog, boxed, error_chain};

/// Events of other processes arrive within milliseconds; a process that has not looked for this long cannot look.
const PRESENT: Duration = Duration::from_secs(8);
/// How often to check that the present has been seen.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// How long the database may take to answer the check.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

impl EventLog {
    /// Checks whether this process may be sent work now.
    ///
    /// # Errors
    /// The reason why it may not, for the log.
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

/// Logs when this process loses sight of the present, whether or not anybody asks.
pub(crate) async fn watch(log: EventLog) {
    let mut told = None;
    loop {
        sleep(LOOK_INTERVAL).await;
        let behind = log.behind(PRESENT);
        let because = behind.map(|behind| behind.because);
        if because != told {
            match behind {
                None => tracing::info!("this process sees the present of the log again"),
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
