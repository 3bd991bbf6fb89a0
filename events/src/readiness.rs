//! Whether a process may be sent work: its database can be read and written, and it has seen the present lately. One that has
//! not seen it decides nothing by what it remembers, and answers late; another may do better. Asked by the programs' health, and
//! told once, when it begins and when it ends.

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
        match self.is_current(PRESENT) {
            true => Ok(()),
            false => Err(format!(
                "what was committed in the last {} s has not been seen",
                self.shared.currency.age().as_secs()
            )),
        }
    }
}

/// Tells of a process that has lost sight of the present, whoever asks or not.
pub(crate) async fn watch(log: EventLog) {
    let mut was_present = true;
    loop {
        sleep(LOOK_INTERVAL).await;
        let is_present = log.is_current(PRESENT);
        if is_present != was_present {
            match is_present {
                true => tracing::info!("the present of the log is seen again"),
                false => tracing::error!(
                    position = log.tail().position(),
                    "this process has lost sight of the present of the log, and is not ready"
                ),
            }
            was_present = is_present;
        }
    }
}
