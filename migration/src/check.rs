//! Checks whether a program may run on a database in its present state. It only reads, so it needs no right to change the schema.
//! The rule is argued at `Migrator`. Called by every program at its start, and by the runner.

use std::collections::BTreeSet;

use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use crate::Migrator;

/// Why a program cannot run on a database.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Migrations that the program needs are not applied.
    #[error("the database is not up to date: it lacks {}", .0.join(", "))]
    NotMigrated(Vec<String>),
    /// A newer version removed something that this one needs.
    #[error(
        "the database was changed by a newer version, and this one can no longer use it: it takes one that knows migration \
         {lowest:04}, and this one knows those up to {known:04}; run the newer version"
    )]
    TooNew {
        /// The newest migration known to the oldest version that may run.
        lowest: u32,
        /// The newest migration of this version.
        known: u32,
    },
    /// Others held a lock that a migration needs for longer than it waits.
    #[error("{0}")]
    Held(String),
    /// The session that migrated is gone, or does not answer.
    #[error("{0}")]
    Lost(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Checks that this program may run on the database.
///
/// # Errors
/// `NotMigrated` when it is too old, `TooNew` when it is too new.
pub async fn check(connection: &impl ConnectionTrait) -> Result<(), SchemaError> {
    let pending = pending(connection).await?;
    if pending.is_empty() {
        Ok(())
    } else {
        Err(SchemaError::NotMigrated(pending))
    }
}

/// Returns the names of the migrations still to be applied, in order. Those that only a newer version knows do not matter, unless
/// it has shut this one out.
pub(crate) async fn pending(connection: &impl ConnectionTrait) -> Result<Vec<String>, SchemaError> {
    let lowest = lowest_compatible(connection).await?;
    let names: Vec<String> = Migrator::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();
    let known = names.iter().map(|name| number(name)).max().unwrap_or(0);
    if known < lowest {
        return Err(SchemaError::TooNew { lowest, known });
    }
    let applied = applied(connection).await?;
    let is_pending = |name: &String| !applied.contains(name);
    Ok(names.into_iter().filter(is_pending).collect())
}

/// Returns the names of applied migrations that only a newer version knows.
///
/// # Errors
/// When the database fails.
pub async fn newer(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let mut applied = applied(connection).await?;
    for migration in Migrator::migrations() {
        applied.remove(migration.name());
    }
    Ok(applied.into_iter().collect())
}

async fn applied(connection: &impl ConnectionTrait) -> Result<BTreeSet<String>, DbErr> {
    if !has_table(connection, "seaql_migrations").await? {
        return Ok(BTreeSet::new());
    }
    let rows = query(connection, "select version from seaql_migrations").await?;
    rows.iter().map(|row| row.try_get("", "version")).collect()
}

async fn lowest_compatible(connection: &impl ConnectionTrait) -> Result<u32, DbErr> {
    if !has_table(connection, "schema_compatibility").await? {
        return Ok(0);
    }
    let rows = query(connection, "select lowest from schema_compatibility").await?;
    let lowest: Option<i32> = rows
        .first()
        .map(|row| row.try_get("", "lowest"))
        .transpose()?;
    Ok(lowest.map_or(0, i32::unsigned_abs))
}

async fn has_table(connection: &impl ConnectionTrait, name: &str) -> Result<bool, DbErr> {
    let sql = match connection.get_database_backend() {
        DbBackend::Postgres => format!("select 1 as one where to_regclass('{name}') is not null"),
        _ => {
            format!("select 1 as one from sqlite_master where type = 'table' and name = '{name}'")
        }
    };
    Ok(!query(connection, &sql).await?.is_empty())
}

async fn query(connection: &impl ConnectionTrait, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(statement).await
}

/// Returns the number of a migration: `m0012_operations` is 12.
fn number(name: &str) -> u32 {
    let digits = name.trim_start_matches('m').split('_').next();
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_in_order() {
        let migrations = Migrator::migrations();
        let numbers: Vec<u32> = migrations.iter().map(|it| number(it.name())).collect();
        assert!(
            numbers.is_sorted_by(|one, other| one < other),
            "{numbers:?}"
        );
        assert!(numbers.first().is_some_and(|first| *first == 1));
    }
}
