//! What processes without work cost the database. docs/operating/workers.md has the figures.

use std::time::{Duration, Instant};

use tests::{Setup, customers, database, waiting::SOON};

/// Transactions a second of two gateways and two workers.
const MOST: f64 = 10.0;
/// How long they are counted at a time. The slowest looks are this far apart.
const WINDOW: Duration = Duration::from_secs(20);

/// All of them have metrics, as by default.
async fn little_is_asked_when_nothing_happens(mut setup: Setup) {
    setup.settings.set("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0");
    let app = setup.start_many(2, 2, &[]);
    let connection = setup.database().await;
    // Everybody has something to remember.
    customers::create(app.client(), "Somebody", "somebody@example.com").await;
    let sql = "select xact_commit + xact_rollback as number from pg_stat_database where datname = current_database()";
    let started = Instant::now();
    loop {
        let (before, at) = (database::number(&connection, sql).await, Instant::now());
        tokio::time::sleep(WINDOW).await;
        let count = database::number(&connection, sql).await - before;
        let rate = count as f64 / at.elapsed().as_secs_f64();
        if rate <= MOST {
            return;
        }
        assert!(started.elapsed() < SOON, "{rate} transactions a second");
    }
}

tests::distributed!(alone: little_is_asked_when_nothing_happens);
