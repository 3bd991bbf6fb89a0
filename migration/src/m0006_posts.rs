//! The read model of posts: posts, comments, and who likes what. The log has the rest.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0006_posts.postgres.sql"),
            include_str!("sql/0006_posts.sqlite.sql"),
        )
        .await
    }
}
