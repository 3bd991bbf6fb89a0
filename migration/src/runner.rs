//! Brings a database up to date: one process at a time, on a connection of its own without the product's time-outs, while programs
//! run. On Postgres the lock belongs to the session and is polled for: a process that waited for it inside a statement would hold a
//! snapshot, and a concurrent index build waits for those. On SQLite everything is one transaction, which holds the file's only
//! write lock. Called by `millrace migrate` and at start.

use std::time::{Duration, Instant};

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, Database, DatabaseConnection, EntityTrait, RuntimeErr, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use sea_orm_migration::{MigratorTrait, seaql_migrations};
use tokio::time::sleep;

use crate::{
    CONCURRENT, Migrator,
    check::{SchemaError, pending},
    indexes, session, watch,
};

/// The key of the advisory lock: any number that nothing else uses in this database.
const LOCK: i64 = 7_020_109_114_097_016;
/// How long to wait for another process that migrates, or for a table that others hold.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// What is waited for meanwhile. A build of an index waits for whoever writes, and may be chosen to end a deadlock with one of them that
/// wants the table for itself.
const IN_USE: &str = "a table is in use";
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);
/// How long others may queue behind a migration that waits for a table, for the rest of its transaction: somewhat longer than
/// `deadlock_timeout`, a second by default, because only those who have waited for that long make an autovacuum give way, which may take
/// hours; but less than a statement of the product waits for a lock.
const TABLE_LOCK: &str =
    "select set_config('lock_timeout', least(setting::int + 250, 2000)::text, true)
    from pg_settings where name = 'deadlock_timeout'";

/// Applies the pending migrations; returns their names.
///
/// # Errors
/// When the database fails, is held for too long, or was changed by a version that shuts this one out.
pub async fn migrate(url: &str) -> Result<Vec<String>, SchemaError> {
    if url.starts_with("sqlite:") {
        let connection = patiently("the database is locked", || connect_sqlite(url)).await?;
        let result = migrate_sqlite(&connection).await;
        connection.close().await?;
        result
    } else {
        let connection = session::open(url).await?;
        let result = watch::beside(url, &connection, migrate_postgres(&connection)).await;
        // The lock is released with the session. One that is lost would not answer.
        if !matches!(result, Err(SchemaError::Lost(_))) {
            connection.close().await?;
        }
        result
    }
}

async fn connect_sqlite(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = session::alone(url);
    options.map_sqlx_sqlite_opts(|options| {
        options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(30))
            .foreign_keys(true)
            .pragma("secure_delete", "on")
    });
    Database::connect(options).await
}

async fn migrate_sqlite(connection: &DatabaseConnection) -> Result<Vec<String>, SchemaError> {
    if pending(connection).await?.is_empty() {
        return Ok(Vec::new());
    }
    let immediate = || {
        connection.begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        })
    };
    let tx = patiently("the database is locked", immediate).await?;
    Migrator::install(&tx).await?;
    // Another process may have been first.
    let names = pending(&tx).await?;
    for name in &names {
        apply(&tx, &SchemaManager::new(&tx), name).await?;
    }
    tx.commit().await?;
    Ok(names)
}

async fn migrate_postgres(connection: &DatabaseConnection) -> Result<Vec<String>, SchemaError> {
    let is_pending = !pending(connection).await?.is_empty();
    if !is_pending && !indexes::can_be_searched_faster(connection).await? {
        return Ok(Vec::new());
    }
    lock(connection).await?;
    Migrator::install(connection).await?;
    let names = pending(connection).await?;
    for name in &names {
        patiently(IN_USE, || async {
            match CONCURRENT.contains(&name.as_str()) {
                true => apply(connection, &SchemaManager::new(connection), name).await,
                false => apply_in_transaction(connection, name).await,
            }
        })
        .await?;
    }
    patiently(IN_USE, || indexes::make_search_indexes(connection)).await?;
    Ok(names)
}

async fn apply_in_transaction(connection: &DatabaseConnection, name: &str) -> Result<(), DbErr> {
    let tx = connection.begin().await?;
    tx.execute_unprepared(TABLE_LOCK).await?;
    apply(&tx, &SchemaManager::new(&tx), name).await?;
    tx.commit().await
}

async fn apply(
    connection: &impl ConnectionTrait,
    manager: &SchemaManager<'_>,
    name: &str,
) -> Result<(), DbErr> {
    let migrations = Migrator::migrations();
    let migration = migrations.iter().find(|it| it.name() == name);
    let migration = migration.ok_or_else(|| DbErr::Custom(format!("there is no {name}")))?;
    tracing::info!(migration = name, "applying {name}");
    migration.up(manager).await?;
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    let applied_at = since.map_or(0, |since| since.as_secs()).cast_signed();
    let row = seaql_migrations::ActiveModel {
        version: Set(name.to_owned()),
        applied_at: Set(applied_at),
    };
    seaql_migrations::Entity::insert(row)
        .exec_without_returning(connection)
        .await?;
    Ok(())
}

/// Waits until this session is the one that migrates.
async fn lock(connection: &DatabaseConnection) -> Result<(), SchemaError> {
    let until = Instant::now() + PATIENCE;
    let mut is_told = false;
    loop {
        let statement = Statement::from_sql_and_values(
            connection.get_database_backend(),
            "select pg_try_advisory_lock($1) as locked",
            [LOCK.into()],
        );
        let row = connection.query_one_raw(statement).await?;
        if let Some(row) = row
            && row.try_get("", "locked")?
        {
            return Ok(());
        }
        if Instant::now() >= until {
            let held = "another process has been migrating this database for 15 minutes";
            return Err(SchemaError::Held(held.to_owned()));
        }
        if !std::mem::replace(&mut is_told, true) {
            tracing::info!("another process is migrating this database; waiting for it");
        }
        sleep(PAUSE).await;
    }
}

/// Retries while others hold a lock that is needed.
async fn patiently<T, F: Future<Output = Result<T, DbErr>>>(
    what: &str,
    attempt: impl Fn() -> F,
) -> Result<T, SchemaError> {
    let until = Instant::now() + PATIENCE;
    let mut is_told = false;
    loop {
        match attempt().await {
            Err(error) if is_held(&error) && Instant::now() < until => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::info!(%error, "{what}; waiting for it");
                }
                sleep(PAUSE).await;
            }
            Err(error) if is_held(&error) => return Err(SchemaError::Held(what.to_owned())),
            result => return Ok(result?),
        }
    }
}

/// Returns whether the error is a lock that was not granted in time, or a deadlock that this process was chosen to end.
fn is_held(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    // Postgres: lock_not_available, deadlock_detected. SQLite: BUSY and LOCKED, with their extended codes.
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| match code.parse::<u32>() {
        Ok(number) if code.len() != 5 => matches!(number & 0xff, 5 | 6),
        _ => ["55P03", "40P01"].contains(&code.as_ref()),
    })
}
