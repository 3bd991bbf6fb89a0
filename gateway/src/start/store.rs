//! The database at the start of a process: its folder, its schema, and data that earlier versions have left in it.

use std::{path::Path, time::Duration};

use entities::{AddressConflict, derive_again, is_derived};
use events::{Database, DatabaseConfig, PostgresHosts, sqlite_file};
use gateway::{config::Config, private};

use super::StartError;

pub(super) fn make_folder(database_url: &str) -> Result<(), StartError> {
    let file = sqlite_file(database_url);
    if let Some(file) = &file {
        private::take_back(file);
    }
    if let Some(folder) = file.as_deref().and_then(Path::parent) {
        std::fs::create_dir_all(folder)
            .map_err(|error| StartError::Folder(folder.display().to_string(), error))?;
    }
    Ok(())
}

/// Reports a missing database to an operator who forgot to name it, rather than showing a new and empty one.
pub(super) fn expect_database(config: &Config) -> Result<(), StartError> {
    match sqlite_file(&config.store.database_url) {
        Some(file) if !file.exists() => Err(StartError::NoDatabase(file.display().to_string())),
        _ => Ok(()),
    }
}

/// Waits for a database that is not there yet.
pub(super) async fn await_database(config: &Config) -> Result<(), StartError> {
    let url = primary_url(config).await?;
    Ok(migration::await_database(&url, config.store.wait_for_database).await?)
}

/// Returns the URL of the database. Of several hosts it is that of the primary alone, which is waited for.
async fn primary_url(config: &Config) -> Result<String, StartError> {
    let store = &config.store;
    match PostgresHosts::of(&store.database_url).map_err(StartError::Settings)? {
        Some(hosts) => Ok(hosts.await_primary(store.wait_for_database).await?),
        None => Ok(store.database_url.clone()),
    }
}

/// Connects. Migrates first if requested, or if the database is embedded; otherwise checks that nothing is to be migrated.
pub(super) async fn connect(config: &Config, connections: u32) -> Result<Database, StartError> {
    let store = &config.store;
    let is_embedded = sqlite_file(&store.database_url).is_some();
    let database = match is_embedded || store.migrate {
        true => bring_up_to_date(config, connections, false).await?,
        false => database(config, connections).await?,
    };
    migration::check(&database.schema_connection()).await?;
    Ok(database)
}

/// Migrates, and converts data of earlier versions to the form of this one: after a migration, on request, and if a process
/// that migrated ended before that.
pub(super) async fn bring_up_to_date(
    config: &Config,
    connections: u32,
    is_asked: bool,
) -> Result<Database, StartError> {
    make_folder(&config.store.database_url)?;
    let applied = migration::migrate(&primary_url(config).await?).await;
    let applied = applied.map_err(StartError::Migration)?;
    let database = database(config, connections).await?;
    let newest = migration::newest();
    if is_asked || !applied.is_empty() || !is_derived(&database, &newest).await? {
        tell_conflicts(&derive_again(&database, &newest).await?);
    }
    Ok(database)
}

/// Reports the conflicts that a person has to decide.
fn tell_conflicts(conflicts: &[AddressConflict]) {
    for AddressConflict { id, email } in conflicts {
        workers::say!(
            "{id} has an address that another one has, too, when it is brought into one form: {email}; both stay as they are until one is \
             changed or deleted"
        );
    }
}

async fn database(config: &Config, max_connections: u32) -> Result<Database, StartError> {
    let database_config = DatabaseConfig {
        url: config.store.database_url.clone(),
        max_connections,
        acquire_timeout: Duration::from_secs(10),
        patience: DatabaseConfig::PATIENCE,
    };
    let database = Database::connect(&database_config).await?;
    match &config.store.replica_url {
        Some(url) => Ok(database.with_replicas(url, &database_config)?),
        None => Ok(database),
    }
}
