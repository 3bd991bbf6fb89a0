//! The event log: events, their positions, the sequencer's state, and what followers keep.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        super::run_script(
            manager,
            include_str!("sql/0001_event_log.postgres.sql"),
            include_str!("sql/0001_event_log.sqlite.sql"),
        )
        .await
    }
}
