//! The `gateway` process: configuration, database, log and schema are wired here, and nowhere else.

mod start;

use std::{io::IsTerminal, process::ExitCode};

use gateway::config::{Command, Config, ImportCommand};
use start::StartError;
use tracing_subscriber::EnvFilter;
use workers::operating::Outcome;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::load();
    let mut filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"));
    // Whatever is asked for: at TRACE it logs every message of a socket, and with them tokens.
    if let Ok(directive) = "tungstenite=debug".parse() {
        filter = filter.add_directive(directive);
    }
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let result = match config.command.clone() {
        None => start::serve(config).await,
        Some(Command::DeadLetters(settings)) => {
            return ended(start::dead_letters(&config, &settings).await);
        }
        Some(Command::Status(settings)) => return ended(start::status(&config, &settings).await),
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
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
