//! What trends among posts: likes and comments counted by steps of time, as far back as the windows reach.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0007_trending.postgres.sql"),
            include_str!("sql/0007_trending.sqlite.sql"),
        )
        .await
    }
}
