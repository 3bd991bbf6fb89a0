//! Read replicas: queries are answered by them, show all that was committed when they were asked, and are answered by the primary when
//! a replica lags, is away or silent, restarts, was promoted, is of another history, or ends a statement for what it replays.

use std::time::{Duration, Instant};

use events::{Database, DatabaseConfig};
use sea_orm::{ConnectionTrait, Statement};
use tests::{
    eventually,
    postgres::{Postgres, url_of},
};

use crate::{
    hosts::{NAME, pair},
    world::{SOON, Way, World},
};

/// More than anything costs that may befall a replica, and less than the patience with a statement of the primary.
const BOUND: Duration = Duration::from_secs(8);

/// A process whose queries replicas may answer, and the rows that it has to see.
struct Reader {
    database: Database,
    rows: i64,
}

/// What a query shows: which server has answered it, and how many rows there are.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    port: u16,
    rows: i64,
}

impl Reader {
    async fn of(primary: &Postgres, replicas: &[&Postgres]) -> Self {
        let config = DatabaseConfig {
            url: primary.url(NAME),
            max_connections: 4,
            acquire_timeout: Duration::from_secs(10),
            patience: DatabaseConfig::PATIENCE,
        };
        let database = Database::connect(&config).await.expect("a database");
        let database = database.with_replicas(&url_of(replicas, NAME), &config);
        Self {
            database: database.expect("replicas"),
            rows: 0,
        }
    }

    async fn ask(&self, sql: &str) -> Seen {
        let statement = Statement::from_string(self.database.backend(), sql);
        let began = Instant::now();
        let row = self.database.queries.query_one_raw(statement).await;
        let row = row.expect("no query fails").expect("a row");
        assert!(began.elapsed() < BOUND, "it took {:?}", began.elapsed());
        let port: i32 = row.try_get("", "port").expect("a port");
        Seen {
            port: u16::try_from(port).expect("a port"),
            rows: row.try_get("", "rows").expect("a number"),
        }
    }

    /// Asks for the rows, all of which have to be there.
    async fn look(&self) -> u16 {
        let sql = "select current_setting('port')::int as port, count(*) as rows from applied";
        let Seen { port, rows } = self.ask(sql).await;
        assert_eq!(rows, self.rows, "of the server at {port}");
        port
    }

    /// Commits a row, as another process would: nothing here hears of it.
    async fn write(&mut self) {
        let insert = "insert into applied values (1, 'x', 1)";
        let writer = self.database.writer();
        writer.execute_unprepared(insert).await.expect("a row");
        self.rows += 1;
    }

    /// Writes and looks so many times; returns how often somebody else than the primary has answered.
    async fn work(&mut self, primary: &Postgres, times: usize) -> usize {
        let mut elsewhere = 0;
        for _ in 0..times {
            self.write().await;
            elsewhere += usize::from(self.look().await != primary.port());
        }
        elsewhere
    }

    async fn await_answered_by(&self, server: &Postgres) {
        let what = format!("the server at {} answers", server.port());
        eventually(&what, SOON, async || {
            (self.look().await == server.port()).then_some(())
        })
        .await;
    }

    /// A query that is under way at the replica until it ends there, and takes no time elsewhere.
    async fn ask_slowly(&self, replica: &Postgres) -> Seen {
        let port = replica.port();
        self.ask(&format!(
            "select current_setting('port')::int as port, count(*) as rows,
                 case when current_setting('port') = '{port}' then pg_sleep(60)::text end as slept from applied"
        ))
        .await
    }
}

/// Waits until a slow query is under way, and does something to its server.
async fn meanwhile<T>(server: &Postgres, act: impl FnOnce() -> T) -> T {
    let statement = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    eventually("it is under way", SOON, async || {
        (server.execute(NAME, statement) == "1").then_some(())
    })
    .await;
    tokio::task::block_in_place(act)
}

#[test]
fn a_replica_shows_all_that_was_committed() {
    tests::setup::run(|| async {
        let (world, primary, standby) = pair().await;
        let other = primary.standby();
        let mut reader = Reader::of(&primary, &[&standby, &other]).await;
        reader.await_answered_by(&standby).await;
        reader.await_answered_by(&other).await;
        let elsewhere = reader.work(&primary, 500).await;
        println!("{elsewhere} of 500 were answered by replicas");
        assert!(elsewhere > 0);
        // What is read with the other connections is read from the primary.
        let sql = "select current_setting('port')::int as port";
        let statement = Statement::from_string(reader.database.backend(), sql);
        for pool in [
            &reader.database.reader,
            &reader.database.background,
            reader.database.writer(),
        ] {
            let row = pool.query_one_raw(statement.clone()).await;
            let port: i32 = row
                .expect("an answer")
                .expect("a row")
                .try_get("", "port")
                .expect("a port");
            assert_eq!(port, i32::from(primary.port()));
        }
        drop(world);
    });
}

#[test]
fn a_replica_that_lags_answers_nothing() {
    tests::setup::run(|| async {
        let (world, primary, standby) = pair().await;
        let mut reader = Reader::of(&primary, &[&standby]).await;
        reader.await_answered_by(&standby).await;
        for _ in 0..3 {
            standby.execute("postgres", "select pg_wal_replay_pause()");
            reader.write().await;
            let began = Instant::now();
            assert_eq!(reader.work(&primary, 50).await, 0);
            println!(
                "50 reads beside a replica that lags took {:?}",
                began.elapsed()
            );
            let says = reader.database.examine_replicas().await.remove(0);
            assert!(
                !says.is_well && says.says.starts_with("is behind"),
                "{says:?}"
            );
            standby.execute("postgres", "select pg_wal_replay_resume()");
            reader.await_answered_by(&standby).await;
            let says = reader.database.examine_replicas().await.remove(0);
            assert!(says.is_well, "{says:?}");
        }
        drop(world);
    });
}

#[test]
fn a_replica_that_is_lost_costs_a_moment() {
    tests::setup::run(|| async {
        let (world, primary, standby) = pair().await;
        let mut reader = Reader::of(&primary, &[&standby]).await;
        for _ in 0..2 {
            reader.await_answered_by(&standby).await;
            // It ends while a query is under way, and comes back with less than it had, perhaps.
            let ending = meanwhile(&standby, || standby.kill());
            let (seen, ()) = tokio::join!(reader.ask_slowly(&standby), ending);
            assert_eq!(seen.port, primary.port());
            assert_eq!(reader.work(&primary, 50).await, 0);
            tokio::task::block_in_place(|| standby.restart());
            reader.work(&primary, 50).await;
        }
        reader.await_answered_by(&standby).await;
        let stopping = meanwhile(&standby, || standby.stop());
        let (seen, stopped) = tokio::join!(reader.ask_slowly(&standby), stopping);
        assert_eq!(seen.port, primary.port());
        assert_eq!(reader.work(&primary, 50).await, 0);
        drop(stopped);
        reader.work(&primary, 50).await;
        reader.await_answered_by(&standby).await;
        drop(world);
    });
}

#[test]
fn a_query_that_is_in_the_way_of_what_is_replayed_is_asked_of_the_primary() {
    tests::setup::run(|| async {
        let (world, primary, standby) = pair().await;
        for statement in [
            "alter system set max_standby_streaming_delay = 0",
            "select pg_reload_conf()",
        ] {
            standby.execute("postgres", statement);
        }
        let mut reader = Reader::of(&primary, &[&standby]).await;
        reader.write().await;
        reader.await_answered_by(&standby).await;
        let clearing = meanwhile(&standby, || {
            primary.execute(NAME, "update applied set number = 2");
            primary.execute(NAME, "vacuum applied");
        });
        let (seen, ()) = tokio::join!(reader.ask_slowly(&standby), clearing);
        let rows = reader.rows;
        assert_eq!(
            seen,
            Seen {
                port: primary.port(),
                rows
            }
        );
        let conflicts = "select confl_snapshot from pg_stat_database_conflicts where datname = current_database()";
        eventually("the conflict is counted", SOON, async || {
            (standby.execute(NAME, conflicts) != "0").then_some(())
        })
        .await;
        reader.await_answered_by(&standby).await;
        drop(world);
    });
}

#[test]
fn a_replica_that_was_promoted_answers_nothing() {
    tests::setup::run(|| async {
        let (world, primary, standby) = pair().await;
        let behind = standby.standby();
        let mut reader = Reader::of(&primary, &[&standby, &behind]).await;
        reader.await_answered_by(&standby).await;
        reader.await_answered_by(&behind).await;
        standby.promote();
        // Both have more WAL than the primary, none of it the primary's.
        let other = "insert into applied select 2, 'y', 2 from generate_series(1, 10000)";
        standby.execute(NAME, other);
        behind.await_all_of(&standby);
        assert_eq!(reader.work(&primary, 200).await, 0);
        let says = reader.database.examine_replicas().await;
        assert!(
            says.iter()
                .all(|it| it.says == "is no standby of the primary"),
            "{says:?}"
        );
        drop(world);
    });
}

#[test]
fn a_replica_of_another_cluster_answers_nothing() {
    tests::setup::run(|| async {
        let (world, primary, _standby) = pair().await;
        let (other_world, _other, standby) = pair().await;
        let mut reader = Reader::of(&primary, &[&standby]).await;
        assert_eq!(reader.work(&primary, 50).await, 0);
        let says = reader.database.examine_replicas().await.remove(0);
        assert_eq!(says.says, "is no standby of the primary");
        drop((world, other_world));
    });
}

/// The primary changes, and the replica follows the new one: it answers again, and never shows less than the new primary has.
#[test]
fn a_replica_follows_a_failover() {
    tests::setup::run(|| async {
        let old = Postgres::start();
        let url = old.empty_database(NAME);
        let directory = tests::guard::new_directory("replicas");
        let world = World::at(Way::Distributed, url, None, directory).await;
        let new = old.standby();
        let replica = new.standby();
        let config = DatabaseConfig {
            url: url_of(&[&old, &new], NAME),
            max_connections: 4,
            acquire_timeout: Duration::from_secs(10),
            patience: DatabaseConfig::PATIENCE,
        };
        let database = Database::connect(&config).await.expect("a database");
        let database = database.with_replicas(&url_of(&[&replica], NAME), &config);
        let mut reader = Reader {
            database: database.expect("replicas"),
            rows: 0,
        };
        reader.await_answered_by(&replica).await;
        reader.work(&old, 50).await;
        new.await_all_of(&old);
        tokio::task::block_in_place(|| {
            old.kill();
            new.promote();
        });
        let insert = "insert into applied values (1, 'x', 1)";
        eventually("the new primary is written to", SOON, async || {
            let writer = reader.database.writer();
            writer.execute_unprepared(insert).await.ok()
        })
        .await;
        reader.rows += 1;
        let log = crate::world::start_log(reader.database.clone(), None, &world.prefix).await;
        reader.work(&new, 50).await;
        reader.await_answered_by(&replica).await;
        assert!(reader.work(&new, 50).await <= 50);
        drop((world, log));
    });
}
