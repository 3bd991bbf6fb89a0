//! The schema's history, for Postgres and SQLite, and the code that brings a database up to date beside running programs.
//! Migrations are plain SQL and never import a model, so that history does not change when a model does; a migration that has
//! landed is never edited. Why earlier versions may run on a newer schema, and why a migration blocks nobody, is argued at
//! `Migrator`. Called by `millrace migrate`, at start, and by every program that checks whether it may run on a database (`check`).

use sea_orm_migration::prelude::*;

mod check;
mod indexes;
mod runner;
mod scripts;
mod session;
mod waiting;
mod watch;

pub use check::{SchemaError, check, newer};
pub use indexes::{IndexFacts, examine_indexes};
pub use runner::migrate;
pub use sea_orm_migration::{DbErr, MigratorTrait, sea_orm::DatabaseConnection};
pub use waiting::await_database;

/// Returns the name of the newest migration that this program knows.
#[must_use]
pub fn newest() -> String {
    let last = Migrator::migrations().pop();
    last.map_or_else(String::new, |last| last.name().to_owned())
}

/// Migrations that only create indexes, on tables that may be large by then.
const CONCURRENT: &[&str] = &[
    "m0012_operations",
    "m0019_unique_addresses",
    "m0021_comments",
    "m0022_lists",
    "m0028_people_lists",
    "m0029_username_indexes",
    "m0032_comment_posts",
    "m0035_orders",
];

/// The migrations in order.
///
/// # Why an earlier version may run on a newer schema
///
/// A deploy changes the schema first, while the earlier version serves, and a rollback of the deploy leaves the schema unchanged.
/// So a program starts on every database that has all migrations it knows, whatever others it has, as long as its newest migration
/// is not below `schema_compatibility.lowest`. That is correct because migrations *expand* and *contract*:
///
/// - Expanding adds: a table, a column that is nullable or has a default, an index, a function with a new name. The earlier version
///   does not name the additions, and rows it writes without them are complete. Such a migration leaves `lowest` unchanged.
///   `entities/events.json` keeps events readable in the same way.
/// - Contracting removes, renames, or forbids something that was allowed; changing the meaning of a column or a function counts,
///   too. It comes a release after the one that no longer needs what is removed. Its script records which version that was, in the
///   same transaction: `update schema_compatibility set lowest = NNNN;`, the newest migration that version knew.
///
/// Versions that know less than 0016 do not check this; they refuse every schema but their own. So `lowest` begins there.
///
/// # Why a migration blocks nobody
///
/// A script runs in a transaction that gives up when it does not get a lock within little more than a second, and tries again, so
/// statements that queue behind it wait no longer than that; an autovacuum gives way before. Scripts contain no work that grows with a
/// table. An index on an existing table has a migration of its own, which only creates indexes and is named in `CONCURRENT`. On Postgres
/// each of them is built concurrently, outside of a transaction. A build that was interrupted, or that was chosen to end a deadlock, leaves
/// an invalid index, which is recognized, dropped, and built again. A test in `indexes` holds scripts to these rules.
///
/// Search indexes on Postgres need an extension that not everybody may create, so they are in no migration: whenever a database is
/// migrated, those that are missing and can be created are created. Nothing depends on them except how long a search takes.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let scripts = scripts::SCRIPTS.iter();
        scripts
            .map(|script| Box::new(*script) as Box<dyn MigrationTrait>)
            .collect()
    }
}
