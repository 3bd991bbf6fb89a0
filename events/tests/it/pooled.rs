//! A database behind PgBouncer.

use events::{Database, DatabaseConfig, sql::query_one_as};
use migration::{Migrator, MigratorTrait};
use tests::{pooler::Pooler, postgres::Postgres, setup};

/// Returns a database of its own, through a pooler.
async fn connect(pooler: &Pooler, name: &str) -> Result<Database, events::Error> {
    let postgres = Postgres::shared();
    let direct = postgres.empty_database(name);
    let [from, to] = [postgres.port(), pooler.port()].map(|port| format!("127.0.0.1:{port}"));
    let config = DatabaseConfig {
        url: direct.replace(&from, &to),
        max_connections: 4,
        acquire_timeout: std::time::Duration::from_secs(10),
        patience: DatabaseConfig::PATIENCE,
    };
    Database::connect(&config).await
}

#[test]
fn sessions_keep_their_settings() {
    setup::run(async || {
        let pooler = Pooler::start(Postgres::shared(), "session");
        let database = connect(&pooler, "pooled_by_session").await;
        let database = database.expect("it connects");
        Migrator::up(&database.schema_connection(), None)
            .await
            .expect("the tables");
        for (setting, wanted) in [
            ("lock_timeout", "3s"),
            ("statement_timeout", "10s"),
            ("jit", "off"),
        ] {
            let found: Option<String> =
                query_one_as(&database.reader, &format!("show {setting}"), Vec::new())
                    .await
                    .expect("an answer");
            assert_eq!(found.as_deref(), Some(wanted), "{setting}");
        }
    });
}

#[test]
fn a_pooler_that_shares_sessions_is_refused() {
    setup::run(async || {
        let pooler = Pooler::start(Postgres::shared(), "transaction");
        let refused = connect(&pooler, "pooled_by_transaction").await;
        let error = refused.expect_err("no database").to_string();
        assert!(error.contains("it has to pool sessions"), "{error}");
    });
}
