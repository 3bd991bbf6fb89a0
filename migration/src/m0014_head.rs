//! A head of the log that is found as fast beside a transaction that stays open.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0014_head.postgres.sql"),
            include_str!("sql/0014_head.sqlite.sql"),
        )
        .await
    }
}
