//! The session that migrates Postgres: it has no time limits of its own, and its locks are soon free when its client is gone. A killed
//! client is noticed by a server that works on a statement only if it looks for it, and a silent one only if it probes it; until then the
//! lock of the one migration at a time would be held by nobody. Opened by `runner`.

use std::time::Duration;

use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr,
};

/// Time-outs set for the role or the database do not count. Not every server knows all of them.
const WITHOUT_LIMITS: &str = "select set_config(name, '0', false) from pg_settings where name in
    ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')";
/// The same as in the sessions of the product.
const WATCHED: &str = "set client_connection_check_interval = '2s'; set tcp_keepalives_idle = 5;
    set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3; set tcp_user_timeout = '10s'";

pub(crate) async fn open(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = alone(url);
    options.set_application_name("millrace migrate");
    let connection = Database::connect(options).await?;
    for settings in [WITHOUT_LIMITS, WATCHED] {
        connection.execute_unprepared(settings).await?;
    }
    Ok(connection)
}

/// Returns the options for a single connection, which stays the same throughout.
pub(crate) fn alone(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .acquire_timeout(Duration::from_secs(30))
        // A lost connection took the lock with it, so another one must not continue in its place.
        .test_before_acquire(false)
        .sqlx_logging(false);
    options
}
