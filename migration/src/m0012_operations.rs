//! Indexes by which administrators look into the log.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0012_operations.postgres.sql"),
            include_str!("sql/0012_operations.sqlite.sql"),
        )
        .await
    }
}
