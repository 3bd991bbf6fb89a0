//! What the commands of the process do, in order. Called by `main` only.

use std::{io, path::Path, sync::Arc, time::Duration};

use entities::{Entities, EntitiesConfig};
use events::{Database, DatabaseConfig, EventLog, LogConfig};
use futures::FutureExt;
use gateway::{
    config::Config,
    health::Ready,
    live::Live,
    seed,
    server::{self, Service},
    shutdown::Shutdown,
};
use migration::{Migrator, MigratorTrait};
use schema::SchemaLimits;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use workers::WorkersConfig;

/// Customers created for a first look.
const DEMO_CUSTOMERS: u64 = 25;

/// Why the process cannot run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("the database cannot be used: {0}")]
    Log(#[from] events::Error),
    #[error("the database cannot be brought up to date: {0}")]
    Migration(migration::DbErr),
    #[error("the database is not up to date; run `gateway migrate`, or start with --migrate")]
    NotMigrated,
    #[error("the folder {0} cannot be created: {1}")]
    Folder(String, io::Error),
    #[error("cannot listen on {0}: {1}")]
    Listen(std::net::SocketAddr, io::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("seeding failed: {0}")]
    Seed(#[from] entities::customers::CustomerError),
}

pub(crate) async fn migrate(config: &Config) -> Result<(), StartError> {
    let database = connect(config).await?;
    bring_up_to_date(&database).await?;
    println!("the database is up to date");
    Ok(())
}

pub(crate) async fn seed(config: &Config, customers: u64) -> Result<(), StartError> {
    let (entities, _) = open(config).await?;
    seed::seed(&entities, customers, true).await?;
    Ok(())
}

pub(crate) async fn serve(config: Config) -> Result<(), StartError> {
    let (entities, is_embedded) = open(&config).await?;
    let log = entities.log.clone();
    if config.store.demo_data && log.tail().position() == 0 {
        seed::seed(&entities, DEMO_CUSTOMERS, false).await?;
    }
    let shutdown = Shutdown::default();
    let (stop_workers, workers_stopped) = watch::channel(false);
    let workers = (is_embedded || config.store.with_workers).then(|| {
        let workers_config = WorkersConfig {
            lease: Duration::from_millis(config.store.lease_ms),
            batch_events: 500,
        };
        tokio::spawn(workers::run(log.clone(), workers_config, workers_stopped))
    });
    let schema = schema::build(
        entities,
        SchemaLimits {
            depth: config.limits.max_depth,
            complexity: config.limits.max_complexity,
            introspection: !config.server.production,
        },
    );
    let address = config.server.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| StartError::Listen(address, error))?;
    stop_on_signals(shutdown.clone())?;
    announce(&listener, is_embedded)?;
    let service = Service {
        operations: Live::new(schema, log.clone(), config.limits.clone()),
        sdl: schema::sdl(),
        ready: readiness(log),
        shutdown,
        config,
    };
    server::serve(listener, service).await?;
    stop_workers.send_replace(true);
    if let Some(workers) = workers
        && tokio::time::timeout(Duration::from_secs(5), workers)
            .await
            .is_err()
    {
        tracing::warn!("the workers did not stop in time; their leases run out by themselves");
    }
    Ok(())
}

fn announce(listener: &TcpListener, is_embedded: bool) -> io::Result<()> {
    let base = format!("http://{}", listener.local_addr()?);
    let mode = if is_embedded {
        "embedded, SQLite"
    } else {
        "distributed, Postgres"
    };
    println!(
        "Millrace {} ({mode}) listening on {base}",
        env!("CARGO_PKG_VERSION")
    );
    println!("  explore    {base}/graphiql");
    println!("  endpoint   {base}/graphql   (HTTP and WebSocket)");
    println!("  schema     {base}/schema.graphql");
    Ok(())
}

async fn connect(config: &Config) -> Result<Database, StartError> {
    let store = &config.store;
    if let Some(path) = store.database_url.strip_prefix("sqlite:") {
        let path = path.trim_start_matches("//");
        let path = path.split('?').next().unwrap_or(path);
        if let Some(folder) = Path::new(path).parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| StartError::Folder(folder.display().to_string(), error))?;
        }
    }
    let database_config = DatabaseConfig {
        url: store.database_url.clone(),
        max_connections: store.max_connections,
        acquire_timeout: Duration::from_secs(10),
    };
    Ok(Database::connect(&database_config).await?)
}

async fn bring_up_to_date(database: &Database) -> Result<(), StartError> {
    Migrator::up(database.schema_connection(), None)
        .await
        .map_err(StartError::Migration)
}

/// Connects, migrates if asked to, and starts the log. The flag says whether all of Millrace is in this process.
async fn open(config: &Config) -> Result<(Entities, bool), StartError> {
    let store = &config.store;
    let is_embedded = store.database_url.starts_with("sqlite:");
    let database = connect(config).await?;
    if is_embedded || store.migrate {
        bring_up_to_date(&database).await?;
    } else {
        let pending = Migrator::get_pending_migrations(database.schema_connection())
            .await
            .map_err(StartError::Migration)?;
        if !pending.is_empty() {
            return Err(StartError::NotMigrated);
        }
    }
    let log_config = LogConfig {
        redis_url: store.redis_url.clone().filter(|_| !is_embedded),
        redis_prefix: store.redis_prefix.clone(),
        poll_interval: Duration::from_millis(store.poll_interval_ms.max(1)),
    };
    let log = EventLog::start(database, log_config).await?;
    let entities_config = EntitiesConfig {
        customer_cache_capacity: store.customer_cache_capacity,
    };
    Ok((Entities::new(log, &entities_config), is_embedded))
}

fn readiness(log: EventLog) -> Ready {
    Arc::new(move || {
        let log = log.clone();
        async move {
            let check = tokio::time::timeout(Duration::from_secs(2), log.database().reader.ping());
            match check.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(format!("the database: {error}")),
                Err(_) => Err("the database does not answer".to_owned()),
            }
        }
        .boxed()
    })
}

fn stop_on_signals(shutdown: Shutdown) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        shutdown.begin();
    });
    Ok(())
}
