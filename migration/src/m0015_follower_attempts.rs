//! Attempts of followers that ended with their process.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0015_follower_attempts.postgres.sql"),
            include_str!("sql/0015_follower_attempts.sqlite.sql"),
        )
        .await
    }
}
