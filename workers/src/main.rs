//! The `workers` process: connects, says so, and runs the workers until it is told to stop.

mod config;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use config::{Command, Config};
use events::{Database, DatabaseConfig, EventLog, LogConfig, NotSole, Sole};
use migration::{Migrator, MigratorTrait};
use tracing_subscriber::EnvFilter;
use workers::{
    WorkersConfig,
    operating::{self, OperatingError, Outcome},
    rebuilding::{RebuildFailure, rebuild_watched},
    retention::{RetentionError, archive_watched, prune_watched},
    signals::stop_on_signals,
};

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::load();
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    match run(config).await {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Why the process cannot run.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("the database cannot be used: {0}")]
    Log(#[from] events::Error),
    #[error("{0}")]
    NotSole(#[from] NotSole),
    #[error("the database cannot be looked at: {0}")]
    Migration(#[from] migration::DbErr),
    #[error("the database is not up to date; run `gateway migrate`")]
    NotMigrated,
    #[error("signals cannot be received: {0}")]
    Signals(#[from] io::Error),
    #[error("{0}")]
    Rebuild(#[from] RebuildFailure),
    #[error("{0}")]
    Retention(#[from] RetentionError),
    #[error("{0}")]
    Operating(#[from] OperatingError),
    #[error("{0}")]
    Settings(String),
}

async fn run(config: Config) -> Result<Outcome, StartError> {
    let sole = match &config.command {
        None => Sole::of(&config.database_url)?,
        Some(_) => None,
    };
    let database = Database::connect(&DatabaseConfig {
        url: config.database_url.clone(),
        max_connections: config.max_connections,
        acquire_timeout: Duration::from_secs(10),
        patience: DatabaseConfig::PATIENCE,
    })
    .await?;
    let pending = Migrator::get_pending_migrations(&database.schema_connection()).await?;
    if !pending.is_empty() {
        return Err(StartError::NotMigrated);
    }
    if let Some(sole) = &sole {
        database.take_over_leases(sole).await?;
    }
    let stopped = stop_on_signals()?;
    match &config.command {
        Some(Command::Rebuild(settings)) => {
            rebuild_watched(&database, settings, stopped).await?;
            return Ok(Outcome::Done);
        }
        Some(Command::Archive(settings)) => {
            archive_watched(&database, settings, stopped).await?;
            return Ok(Outcome::Done);
        }
        Some(Command::Prune(settings)) => {
            prune_watched(&database, settings, stopped).await?;
            return Ok(Outcome::Done);
        }
        Some(Command::DeadLetters(_) | Command::Status(_)) | None => {}
    }
    let workers = WorkersConfig {
        lease: config.lease(),
        batch_events: config.batch_events,
        retention: config.retention.clone(),
        handlers: config.signals.handlers().map_err(StartError::Settings)?,
    };
    let log = EventLog::start(
        database,
        LogConfig {
            poll_interval: Duration::from_millis(config.poll_interval_ms.max(1)),
            redis_url: config.redis_url,
            redis_prefix: config.redis_prefix,
        },
    )
    .await?;
    match &config.command {
        Some(Command::DeadLetters(settings)) => {
            return Ok(operating::dead_letters(&log, settings).await?);
        }
        Some(Command::Status(settings)) => return Ok(operating::status(&log, settings).await?),
        Some(Command::Rebuild(_) | Command::Archive(_) | Command::Prune(_)) | None => {}
    }
    println!("workers running");
    workers::run(log, workers, stopped).await;
    Ok(Outcome::Done)
}
