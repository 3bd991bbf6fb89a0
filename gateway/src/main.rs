//! The `gateway` process: configuration, database, log and schema are wired here, and nowhere else.

mod start;

use std::process::ExitCode;

use gateway::config::{self, Command, Config, ImportCommand};
use start::StartError;
use workers::{logging, operating::Outcome, printing, private};

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::load();
    private::keep_files_private();
    if let Err(message) = logging::begin("info,sqlx=warn,sea_orm_migration=warn") {
        config::refuse(message);
    }
    let result = match config.command.clone() {
        None => start::serve(config).await,
        Some(Command::DeadLetters(settings)) => {
            return ended(start::dead_letters(&config, &settings).await);
        }
        Some(Command::Status(settings)) => return ended(start::status(&config, &settings).await),
        Some(Command::Epoch(settings)) => return ended(start::epoch(&config, &settings).await),
        Some(Command::Migrate) => start::migrate(&config).await,
        Some(Command::Seed(settings)) => start::seed(&config, &settings).await,
        Some(Command::Rebuild(settings)) => start::rebuild(&config, &settings).await,
        Some(Command::Archive(settings)) => start::archive(&config, &settings).await,
        Some(Command::Prune(settings)) => start::prune(&config, &settings).await,
        Some(Command::Import {
            what: ImportCommand::Students(file),
        }) => start::import_students(&config, &file).await,
        Some(Command::Admin { email, password }) => start::admin(&config, &email, password).await,
    };
    ended(result.map(|()| Outcome::Done))
}

fn ended(result: Result<Outcome, StartError>) -> ExitCode {
    match result {
        Ok(Outcome::Done) if printing::has_failed() => ExitCode::FAILURE,
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
