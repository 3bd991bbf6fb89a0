//! The scripts of the migrations, in order: each has one file for Postgres and one for SQLite, in `sql/`. A new one is a line here.
//! Run by `runner`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::{SchemaManagerConnection, sea_orm::DbBackend};

use crate::indexes;

/// One migration.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    name: &'static str,
    postgres: &'static str,
    sqlite: &'static str,
}

/// Includes the two files of this name, as the migration `m…`.
macro_rules! script {
    ($name:literal) => {
        Script {
            name: concat!("m", $name),
            postgres: include_str!(concat!("sql/", $name, ".postgres.sql")),
            sqlite: include_str!(concat!("sql/", $name, ".sqlite.sql")),
        }
    };
}

pub(crate) const SCRIPTS: &[Script] = &[
    // The event log: events, their positions, the sequencer's state, and what followers keep.
    script!("0001_event_log"),
    // Customers, their statistics and the answers kept for idempotency keys.
    script!("0002_customers"),
    // Users, their passwords, sessions and presence.
    script!("0003_users"),
    // Chats, their members and messages, and the versions of users' inboxes.
    script!("0004_chats"),
    // Students.
    script!("0005_students"),
    // The read model of posts: posts, comments, and who likes what. The log has the rest.
    script!("0006_posts"),
    // Trends among posts: likes and comments counted by steps of time, as far back as the windows reach.
    script!("0007_trending"),
    // The state of rebuilds of read models.
    script!("0008_rebuild"),
    // Deliveries to handlers, dead letters, breakers, and pauses.
    script!("0009_handlers"),
    // Signals, the results of their processors, and the statistics of their sources.
    script!("0010_signals"),
    // Pruning and erasure: their requests, claims and progress.
    script!("0011_retention"),
    // Indexes with which administrators browse the log.
    script!("0012_operations"),
    // The identity of a log, which distinguishes it from an older or another copy of itself.
    script!("0013_epochs"),
    // A head of the log that stays fast to find beside a transaction that stays open.
    script!("0014_head"),
    // Attempts of followers that ended with their process.
    script!("0015_follower_attempts"),
    // Which versions may run on the schema, and the answer to a repeated exchange of a refresh token.
    script!("0016_deploys"),
    // By what a cursor proves that the log still has the event it names.
    script!("0017_proofs"),
    // The form in which older addresses are compared, and searching by trigrams.
    script!("0018_addresses"),
    // Addresses that are unique however they are written.
    script!("0019_unique_addresses"),
    // Which events a pass of the sequencer has numbered, for the process that has written them.
    script!("0020_known_events"),
    // Comments by their ids.
    script!("0021_comments"),
    // Indexes for lists that are filtered by status or role.
    script!("0022_lists"),
    // Statistics of users, chats, posts, students and signals.
    script!("0023_statistics"),
    // What became of messages: when members received and saw them, and the versions of the streams that tell their authors.
    script!("0024_receipts"),
    // On which device sessions began, tokens that were sent by mail, and whose addresses are verified.
    script!("0025_accounts"),
    // The parts of students' names, and customers' postal addresses.
    script!("0026_people"),
    // Usernames and avatars.
    script!("0027_usernames"),
    // Indexes for lists by family name and by country, and for names that are not split yet.
    script!("0028_people_lists"),
    // Indexes for the columns that refer to usernames and avatars.
    script!("0029_username_indexes"),
    script!("0030_derivation"),
    // How many sockets users have, and what gateways are called.
    script!("0031_sockets"),
    // The index by which the log says which post a comment is on.
    script!("0032_comment_posts"),
    // What becomes free is used again soon, however large a table is.
    script!("0033_vacuum"),
    // How far posts that were deleted are compacted.
    script!("0034_compaction"),
    // The indexes of more orders of lists.
    script!("0035_orders"),
    // Dumps from clusters whose transaction ids are higher.
    script!("0036_renewal"),
];

impl MigrationName for Script {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Script {
    /// Runs the script for the database in use. Outside of a transaction it creates indexes concurrently.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let script = match manager.get_database_backend() {
            DbBackend::Postgres => self.postgres,
            DbBackend::Sqlite => self.sqlite,
            other => {
                return Err(DbErr::Custom(format!(
                    "Millrace runs on Postgres and SQLite, not on {other:?}"
                )));
            }
        };
        match connection {
            SchemaManagerConnection::Connection(connection)
                if manager.get_database_backend() == DbBackend::Postgres =>
            {
                indexes::make_concurrently(connection, script).await
            }
            _ => connection.execute_unprepared(script).await.map(|_| ()),
        }
    }
}
