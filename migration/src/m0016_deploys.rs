//! Which versions may run on the schema, and what a repeated exchange of a refresh token is answered with.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0016_deploys.postgres.sql"),
            include_str!("sql/0016_deploys.sqlite.sql"),
        )
        .await
    }
}
