//! The schema's history, for Postgres and SQLite, and what brings a database up to date beside running programs. Migrations are
//! plain SQL and never import a model, so that history does not move when a model does; one that has landed is never edited.
//! Why versions before may run on a newer schema, and why a migration stops nobody, is argued beside `Migrator`. Called by
//! `millrace migrate`, at start, and by every program that looks whether it may run on a database (`check`).

use sea_orm_migration::prelude::*;

mod check;
mod indexes;
mod runner;
mod scripts;
mod waiting;

pub use check::{SchemaError, check};
pub use runner::migrate;
pub use sea_orm_migration::{DbErr, MigratorTrait};
pub use waiting::await_database;

/// Migrations of nothing but `create index`, on tables that may be large by then.
const CONCURRENT: &[&str] = &["m0012_operations", "m0019_unique_addresses"];

/// The migrations in order.
///
/// # Why a version before may run on a newer schema
///
/// A deploy changes the schema first, while the version before serves, and a deploy that is taken back leaves the schema as it
/// is. So a program starts on every database that has all migrations it knows, whatever others it has, as long as its newest
/// migration is not below `schema_compatibility.lowest`. That is right because migrations *expand* and *contract*:
///
/// - Expanding adds: a table, a column that may be null or has a default, an index, a function of a new name. The version before
///   does not name what is new, and what it writes without it is complete. Such a migration leaves `lowest` as it is. What
///   events say is kept readable in the same way, by `entities/events.json`.
/// - Contracting takes away, renames, or forbids what was allowed; giving a column or a function another meaning is that, too. It
///   comes a release after the one that no longer needs what goes. Its script says which version that was, in the
///   transaction that takes away: `update schema_compatibility set lowest = NNNN;`, the newest migration that version knew.
///
/// Versions that know less than 0016 do not look; they refuse every schema but their own. So `lowest` begins there.
///
/// # Why a migration stops nobody
///
/// A script runs in a transaction that gives up when it does not get a lock within a second, and tries again: whoever queues
/// behind it waits no longer than that. What takes longer the larger a table is, is not done in scripts. An index on a table that
/// is there already has a migration of its own, of nothing but `create index`, named in `CONCURRENT`. On Postgres each of
/// them is made concurrently, outside of a transaction. One that was interrupted leaves an invalid index, which is recognized,
/// dropped, and made anew. `indexes` has a test that holds scripts to these rules.
///
/// Indexes for searching on Postgres need an extension that not everybody may create, so they are in no migration: whenever a
/// database is migrated, those that are missing and can be made are made. Nothing depends on them but how long a search takes.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let scripts = scripts::SCRIPTS.iter();
        scripts
            .map(|script| Box::new(*script) as Box<dyn MigrationTrait>)
            .collect()
    }
}
