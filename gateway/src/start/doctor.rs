//! `millrace doctor`: asks the parts one after the other, each for a bounded time, and goes on with what the others can tell. It leaves all as
//! it is: nothing is migrated, numbered or relayed, and only Redis is asked to keep a key, for a second, to see whether it does.

use std::{path::Path, time::Duration};

use events::{Database, DatabaseConfig, EventLog, PostgresHosts, examine_redis, sqlite_file};
use gateway::{
    config::{Config, DoctorSettings},
    doctor::{self, Finding},
};
use migration::SchemaError;
use tokio::time::timeout;
use workers::operating::{self, Outcome};

use super::{StartError, is_embedded, log_config};

/// How long a part may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connecting, and each of the questions, have the patience of their own.
const WHOLE: Duration = Duration::from_secs(20);

/// Prints what is well and what is not; `Left` when something does not work.
pub(super) async fn run(config: &Config, settings: &DoctorSettings) -> Result<Outcome, StartError> {
    let found = examine(config).await;
    if settings.json {
        let shown = serde_json::to_string_pretty(&found).map_err(std::io::Error::from)?;
        workers::say!("{shown}");
    } else {
        found.iter().for_each(|finding| workers::say!("{finding}"));
    }
    Ok(doctor::outcome(&found))
}

async fn examine(config: &Config) -> Vec<Finding> {
    let mut found = doctor::of_settings(config, is_embedded(config));
    // A URL that cannot be read was refused before.
    if let Ok(Some(hosts)) = PostgresHosts::of(&config.store.database_url) {
        found.extend(doctor::of_hosts(&hosts.examine().await));
    }
    let database = timeout(WHOLE, of_database(config, &mut found)).await;
    let away = "it cannot be reached in time";
    let database = database.unwrap_or_else(|_| {
        found.push(Finding::trouble("database", away, ADVICE_DATABASE));
        None
    });
    if let Some(url) = &log_config(config).redis_url {
        let store = &config.store;
        let asking = examine_redis(url, store.redis_ca.as_deref(), &store.redis_prefix);
        let asked = timeout(PATIENCE * 2, asking).await;
        let says = match asked {
            Ok(Ok(facts)) => Ok(doctor::of_redis(&facts)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(away.to_owned()),
        };
        let advice = "see REDIS_URL, and whether Redis runs; meanwhile events come a poll interval late, and nothing is lost";
        found.extend(says.unwrap_or_else(|error| vec![Finding::trouble("redis", error, advice)]));
    }
    if let Some(database) = database {
        let asked = timeout(WHOLE, of_workers(config, database)).await;
        let failed = |says: &str| vec![Finding::trouble("workers", says, ADVICE_DATABASE)];
        found.extend(match asked {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => failed(&error.to_string()),
            Err(_) => failed(away),
        });
    }
    found
}

const ADVICE_DATABASE: &str =
    "see DATABASE_URL, whether the database runs, and whether this machine may reach it";

/// Returns the database if the rest can be read in it.
async fn of_database(config: &Config, found: &mut Vec<Finding>) -> Option<Database> {
    let file = sqlite_file(&config.store.database_url);
    if let Some(file) = file.as_deref().filter(|file| !file.exists()) {
        found.push(Finding::trouble(
            "database",
            format!("there is none at {}", file.display()),
            "name it with --database-url (DATABASE_URL), or start `millrace`, which makes one",
        ));
        return None;
    }
    let database_config = DatabaseConfig {
        url: config.store.database_url.clone(),
        max_connections: 2,
        acquire_timeout: PATIENCE,
        patience: PATIENCE,
    };
    let examined = async {
        let database = Database::connect(&database_config).await?;
        let database = match &config.store.replica_url {
            Some(url) => database.with_replicas(url, &database_config)?,
            None => database,
        };
        Ok::<_, events::Error>((database.examine().await?, database))
    };
    let (facts, database) = match examined.await {
        Ok(examined) => examined,
        Err(error) => {
            found.push(Finding::trouble(
                "database",
                error.to_string(),
                ADVICE_DATABASE,
            ));
            return None;
        }
    };
    found.extend(doctor::of_database(&facts));
    if let Some(folder) = file.as_deref().and_then(Path::parent) {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        match rustix::fs::statvfs(folder) {
            Ok(disk) => found.push(doctor::of_disk(disk.f_bavail * disk.f_frsize, facts.bytes)),
            Err(error) => tracing::debug!(%error, "the space on the disk cannot be read: {error}"),
        }
    }
    match of_schema(&database.schema_connection(), facts.server.is_some()).await {
        Ok(well) => found.extend(well),
        Err(error) => {
            let advice = "run `millrace migrate` of the newest version that runs here";
            found.push(Finding::trouble("migrations", error.to_string(), advice));
            return None;
        }
    }
    found.extend(doctor::of_replicas(&database.examine_replicas().await));
    Some(database)
}

async fn of_schema(
    connection: &migration::DatabaseConnection,
    is_postgres: bool,
) -> Result<Vec<Finding>, SchemaError> {
    migration::check(connection).await?;
    let mut found = vec![doctor::of_migrations(&migration::newer(connection).await?)];
    if is_postgres {
        found.extend(doctor::of_indexes(
            &migration::examine_indexes(connection).await?,
        ));
    }
    Ok(found)
}

async fn of_workers(config: &Config, database: Database) -> Result<Vec<Finding>, StartError> {
    let times = doctor::of_times(&database.examine_times().await?);
    let log = EventLog::look(database, log_config(config)).await?;
    let status = operating::read_status(&log).await?;
    let mut found = doctor::of_workers(&status);
    found.insert(0, times);
    Ok(found)
}
