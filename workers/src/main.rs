//! The `workers` process: connects, says so, and runs the workers until it is told to stop.

mod config;

use std::{io, net::SocketAddr, process::ExitCode, time::Duration};

use config::{Command, Config};
use events::{Database, DatabaseConfig, EventLog, LogConfig, NotSole, Sole};
use migration::SchemaError;
use workers::{
    WorkersConfig, health, logging,
    operating::{self, OperatingError, Outcome},
    printing, private,
    rebuilding::{RebuildFailure, rebuild_watched},
    retention::{RetentionError, archive_watched, prune_watched},
    signals::stop_on_signals,
};

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::load();
    private::keep_files_private();
    if let Err(message) = logging::begin("info,sqlx=warn") {
        config::refuse(message);
    }
    match run(config).await {
        Ok(Outcome::Done) if printing::has_failed() => ExitCode::FAILURE,
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
    #[error("{0}; run `gateway migrate`")]
    NotMigrated(SchemaError),
    #[error("the database cannot be used: {0}")]
    Schema(SchemaError),
    #[error("probes cannot be answered at {0}: {1}")]
    HealthListen(SocketAddr, io::Error),
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

impl From<SchemaError> for StartError {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::NotMigrated(_) => Self::NotMigrated(error),
            error => Self::Schema(error),
        }
    }
}

async fn run(config: Config) -> Result<Outcome, StartError> {
    let stopped = stop_on_signals()?;
    let sole = match &config.command {
        None => Sole::of(&config.database_url)?,
        Some(_) => None,
    };
    if config.command.is_none() {
        migration::await_database(&config.database_url, config.wait_for_database).await?;
    }
    let database = Database::connect(&DatabaseConfig {
        url: config.database_url.clone(),
        max_connections: config.max_connections,
        acquire_timeout: Duration::from_secs(10),
        patience: DatabaseConfig::PATIENCE,
    })
    .await?;
    migration::check(&database.schema_connection()).await?;
    if let Some(sole) = &sole {
        database.take_over_leases(sole).await?;
    }
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
        Some(Command::DeadLetters(_) | Command::Status(_) | Command::Epoch(_)) | None => {}
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
            poll_interval: Duration::from_millis(config.poll_interval_ms),
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
        Some(Command::Epoch(settings)) => return Ok(operating::epoch(&log, settings).await?),
        Some(Command::Rebuild(_) | Command::Archive(_) | Command::Prune(_)) | None => {}
    }
    if let Some(address) = config.health_listen {
        let bound = health::serve(address, health::readiness(&log), stopped.clone()).await;
        let address = bound.map_err(|error| StartError::HealthListen(address, error))?;
        workers::say!("health at http://{address}/health/ready");
    }
    workers::say!("workers running");
    workers::run(log, workers, stopped).await;
    Ok(Outcome::Done)
}
