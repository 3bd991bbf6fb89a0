//! The schema's history, for Postgres and SQLite. Migrations are plain SQL and never import a model, so that history
//! does not move when a model does; one that has landed is never edited. Called by `gateway migrate` and at start.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

mod m0001_event_log;
mod m0002_customers;
mod m0003_users;
mod m0004_chats;
mod m0005_students;
mod m0006_posts;
mod m0007_trending;
mod m0008_rebuild;
mod m0009_handlers;
mod m0010_signals;
mod m0011_retention;
mod m0012_operations;
mod m0014_head;
mod m0015_follower_attempts;

pub use sea_orm_migration::{DbErr, MigratorTrait};

/// Applies the migrations in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_event_log::Migration),
            Box::new(m0002_customers::Migration),
            Box::new(m0003_users::Migration),
            Box::new(m0004_chats::Migration),
            Box::new(m0005_students::Migration),
            Box::new(m0006_posts::Migration),
            Box::new(m0007_trending::Migration),
            Box::new(m0008_rebuild::Migration),
            Box::new(m0009_handlers::Migration),
            Box::new(m0010_signals::Migration),
            Box::new(m0011_retention::Migration),
            Box::new(m0012_operations::Migration),
            Box::new(m0014_head::Migration),
            Box::new(m0015_follower_attempts::Migration),
        ]
    }
}

/// Runs the script written for the database in use.
async fn run_script(
    manager: &SchemaManager<'_>,
    postgres: &str,
    sqlite: &str,
) -> Result<(), DbErr> {
    let script = match manager.get_database_backend() {
        DbBackend::Postgres => postgres,
        DbBackend::Sqlite => sqlite,
        other => {
            return Err(DbErr::Custom(format!(
                "Millrace runs on Postgres and SQLite, not on {other:?}"
            )));
        }
    };
    manager.get_connection().execute_unprepared(script).await?;
    Ok(())
}
