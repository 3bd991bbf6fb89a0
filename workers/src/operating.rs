//! What operators do at a terminal: see how the workers stand, and deal with dead letters. The same operations as those of the
//! API, on behalf of the process.

mod epoch;
mod letters;
mod status;
mod table;

use clap::Args;
use entities::{
    Entities,
    access::AccessError,
    operations::{OperationError, Operations},
};
use events::EventLog;

pub use letters::{DeadLettersCommand, Selection};

/// In whose name operators act here.
const ACTOR: &str = "operator";

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it was meant.
    Done,
    /// Dead letters are left that were to be replayed.
    Left,
}

impl Outcome {
    /// What the process ends with: 3 when letters are left; 1 is a failure, 2 a wrong command line.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Left => 3,
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum OperatingError {
    /// What was typed is no id.
    #[error("{0} is not the id of a {1}, such as {1}_01h455vb4pex5vsknk084sn02q")]
    NotAnId(String, &'static str),
    /// It is not done.
    #[error(transparent)]
    Refused(#[from] OperationError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] AccessError),
    /// It cannot be written as JSON.
    #[error("the output cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Dead letters: events that a follower or a handler has given up.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct DeadLettersSettings {
    #[command(subcommand)]
    command: DeadLettersCommand,
}

/// How the workers stand.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct StatusSettings {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The epoch of the log.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct EpochSettings {
    /// Begin a new epoch: after a restore or a failover that the database cannot tell of itself
    #[arg(long, requires = "reason")]
    begin: bool,
    /// Why, for the event that tells of it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Lists, shows, replays or discards dead letters.
///
/// # Errors
/// When there is no such letter, and when the database cannot be used.
pub async fn dead_letters(
    log: &EventLog,
    settings: &DeadLettersSettings,
) -> Result<Outcome, OperatingError> {
    letters::run(&operations(log), &settings.command).await
}

/// Prints how the workers stand.
///
/// # Errors
/// When the database cannot be used.
pub async fn status(log: &EventLog, settings: &StatusSettings) -> Result<Outcome, OperatingError> {
    status::run(&operations(log), settings.json).await?;
    Ok(Outcome::Done)
}

/// Prints the epoch of the log, or begins another one.
///
/// # Errors
/// When the database cannot be used.
pub async fn epoch(log: &EventLog, settings: &EpochSettings) -> Result<Outcome, OperatingError> {
    epoch::run(log, &operations(log), settings).await?;
    Ok(Outcome::Done)
}

fn operations(log: &EventLog) -> Operations {
    Entities::operations(log)
}
