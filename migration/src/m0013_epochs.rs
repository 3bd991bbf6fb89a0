//! What tells a log from an older or another copy of itself.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0013_epochs.postgres.sql"),
            include_str!("sql/0013_epochs.sqlite.sql"),
        )
        .await
    }
}
