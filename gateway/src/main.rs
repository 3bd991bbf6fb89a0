//! The program `millrace`: configuration, database, log and schema are wired here, and nowhere else.

mod start;

use std::process::ExitCode;

use gateway::{config, logging, private};
use workers::{operating::Outcome, printing};

#[tokio::main]
async fn main() -> ExitCode {
    let loaded = config::load();
    private::keep_files_private();
    let process = &loaded.command_line.config.process;
    logging::begin(&process.log, process.log_format);
    tokio::spawn(logging::keep_telling());
    match start::run(loaded).await {
        Ok(Outcome::Done) if printing::has_failed() => ExitCode::FAILURE,
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
