//! Deliveries to handlers, dead letters, breakers, and what is paused.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0009_handlers.postgres.sql"),
            include_str!("sql/0009_handlers.sqlite.sql"),
        )
        .await
    }
}
