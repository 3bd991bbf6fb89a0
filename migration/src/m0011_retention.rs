//! Pruning and erasure: what is done, by whom, and how far it has come.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0011_retention.postgres.sql"),
            include_str!("sql/0011_retention.sqlite.sql"),
        )
        .await
    }
}
