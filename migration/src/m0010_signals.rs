//! Signals, what their processors found, and the numbers of their sources.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0010_signals.postgres.sql"),
            include_str!("sql/0010_signals.sqlite.sql"),
        )
        .await
    }
}
