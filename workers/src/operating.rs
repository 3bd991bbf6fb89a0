//! The commands of operators at a terminal: they show the state of the workers, and deal with dead letters. The operations are
//! those of the API, performed on behalf of the process.

mod epoch;
mod letters;
mod status;
mod table;

use clap::Args;
use entities::{
    Entities,
    access::{AccessError, Viewer},
    operations::{OperationError, Operations},
};
use events::{EventLog, WorkersStatus};

pub use letters::{DeadLettersCommand, Selection};

/// The actor of operations at a terminal.
const ACTOR: &str = "operator";

/// How a successful command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did everything.
    Done,
    /// Dead letters remain that were to be replayed, or trouble that was found.
    Left,
}

impl Outcome {
    /// Returns the exit code of the process: 3 when something remains; 1 is a failure, 2 a wrong command line.
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
    /// The given text is not an id.
    #[error("{0} is not the id of a {1}, such as {1}_01h455vb4pex5vsknk084sn02q")]
    NotAnId(String, &'static str),
    /// The command was refused.
    #[error(transparent)]
    Refused(#[from] OperationError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] AccessError),
    /// The result cannot be written as JSON.
    #[error("the output cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// The arguments for dead letters: events that a follower or a handler has given up on.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct DeadLettersSettings {
    #[command(subcommand)]
    command: DeadLettersCommand,
}

/// The arguments for the state of the workers.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct StatusSettings {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The arguments for the epoch of the log.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
pub struct EpochSettings {
    /// Begin a new epoch: after a restore or a failover that the database cannot detect
    #[arg(long, requires = "reason")]
    begin: bool,
    /// The reason, recorded in the event
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

/// Prints the state of the workers.
///
/// # Errors
/// When the database cannot be used.
pub async fn status(log: &EventLog, settings: &StatusSettings) -> Result<Outcome, OperatingError> {
    status::run(log, &operations(log), settings.json).await?;
    Ok(Outcome::Done)
}

/// Prints the epoch of the log, or begins a new one.
///
/// # Errors
/// When the database cannot be used.
pub async fn epoch(log: &EventLog, settings: &EpochSettings) -> Result<Outcome, OperatingError> {
    epoch::run(log, &operations(log), settings).await?;
    Ok(Outcome::Done)
}

/// Returns the state of the workers.
///
/// # Errors
/// When the database cannot be used.
pub async fn read_status(log: &EventLog) -> Result<WorkersStatus, OperatingError> {
    Ok(operations(log).read_status(&Viewer::Process(ACTOR)).await?)
}

fn operations(log: &EventLog) -> Operations {
    Entities::operations(log)
}
