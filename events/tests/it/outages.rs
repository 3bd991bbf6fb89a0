//! What a failing database leaves: a write that was answered is kept, one that failed left nothing, and the next one works,
//! whatever happened to its connection. Here COMMIT really fails, by a constraint that is deferred to it.

mod disks;
mod silences;

use std::time::Duration;

use events::{Database, Error, EventLog, Meta, NewEvent, StreamKey};
use sea_orm::ConnectionTrait;
use tests::{eventually, postgres::Postgres};
use tokio::time::timeout;
use uuid::Uuid;

use crate::world::{SOON, Way, World, both_ways, connect};

async fn number(database: &Database, sql: &str) -> i64 {
    let statement = sea_orm::Statement::from_string(database.backend(), sql);
    let row = database.reader.query_one_raw(statement).await;
    let row = row.expect("it is read").expect("a row");
    row.try_get("", "number").expect("a number")
}

/// Appends an event beside a statement.
async fn write(log: &EventLog, statement: &'static str) -> Result<(), Error> {
    log.write(move |tx| {
        Box::pin(async move {
            let event = NewEvent {
                event_type: "ThingDone",
                schema_version: 1,
                data: &serde_json::json!({}),
                occurred_at: events::now(),
            };
            let stream = StreamKey {
                kind: "thing",
                id: Uuid::now_v7(),
            };
            tx.append(stream, 0, event, &Meta::default()).await?;
            tx.execute_unprepared(statement).await?;
            Ok(())
        })
    })
    .await
}

const NOTHING: &str = "select 1";

/// With this table, COMMIT fails for a row that refers to nothing.
async fn with_references(world: &World) {
    for sql in [
        "create table referred (id int primary key)",
        "create table referring (id int references referred (id) deferrable initially deferred)",
    ] {
        let made = world.database.writer().execute_unprepared(sql).await;
        made.expect("a table");
    }
}

async fn a_commit_that_fails_leaves_nothing_open(way: Way) {
    let world = World::new(way).await;
    with_references(&world).await;
    let log = world.log().await;
    let mut answered = 0;
    for _ in 0..3 {
        // This is more often than there are connections.
        for _ in 0..5 {
            let failed = write(&log, "insert into referring values (7)").await;
            assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
        }
        for _ in 0..5 {
            write(&log, NOTHING).await.expect("it is written");
            answered += 1;
        }
    }
    // Another connection sees what was committed, and only that.
    let other = connect(&world.database_url).await;
    let sql = "select count(*) as number from event where stream = 'thing'";
    assert_eq!(number(&other, sql).await, answered);
}

async fn a_statement_that_failed_is_not_committed_over(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let swallowed: Result<(), Error> = log
        .write(|tx| {
            Box::pin(async move {
                tx.execute_unprepared("insert into applied values (1, 'x', 1)")
                    .await?;
                assert!(tx.execute_unprepared("select nonsense").await.is_err());
                Ok(())
            })
        })
        .await;
    assert!(swallowed.is_err(), "nothing was committed");
    let applied = "select count(*) as number from applied";
    assert_eq!(number(&world.database, applied).await, 0);
    // A failure that a savepoint takes back does not count.
    let tx = world.database.writer().begin().await.expect("it begins");
    let insert = "insert into applied values (2, 'x', 1)";
    tx.execute_unprepared(insert).await.expect("it is inserted");
    let savepoint = tx.begin().await.expect("a savepoint");
    let insert = "insert into applied values (3, 'x', 1)";
    let inserted = savepoint.execute_unprepared(insert).await;
    inserted.expect("it is inserted");
    assert!(savepoint.execute_unprepared("nonsense").await.is_err());
    savepoint.rollback().await.expect("it is taken back");
    tx.commit().await.expect("the rest is committed");
    assert_eq!(number(&world.database, applied).await, 1);
}

async fn a_future_dropped_anywhere_leaves_nothing_open(way: Way) {
    let world = World::new(way).await;
    let mut kept = 0;
    for turn in 0..400_u64 {
        let work = async {
            let tx = world.database.writer().begin().await?;
            tx.execute_unprepared("insert into applied values (1, 'x', 1)")
                .await?;
            tx.commit().await
        };
        let limit = Duration::from_micros(turn * 37 % 3_000);
        if let Ok(committed) = timeout(limit, work).await {
            committed.expect("it is committed");
            kept += 1;
        }
    }
    let tx = world.database.writer().begin().await.expect("it begins");
    let insert = "insert into applied values (2, 'x', 1)";
    tx.execute_unprepared(insert).await.expect("it is inserted");
    tx.commit().await.expect("it is committed");
    let other = connect(&world.database_url).await;
    let last = "select count(*) as number from applied where number = 2";
    assert_eq!(number(&other, last).await, 1);
    let all = "select count(*) as number from applied where number = 1";
    // It was dropped during COMMIT, so it may have been committed.
    assert!(number(&other, all).await >= kept);
    if way == Way::Distributed {
        let open =
            "select count(*) as number from pg_stat_activity where datname = current_database()
             and state like 'idle in transaction%'";
        eventually("no transaction is open", SOON, async || {
            (number(&other, open).await == 0).then_some(())
        })
        .await;
    }
}

both_ways!(
    a_commit_that_fails_leaves_nothing_open,
    a_statement_that_failed_is_not_committed_over,
    a_future_dropped_anywhere_leaves_nothing_open,
);

fn raise(code: &str) -> &'static str {
    format!("do $$ begin raise exception using errcode = '{code}'; end $$").leak()
}

/// Raised by a statement, and by a trigger that is deferred to COMMIT.
#[test]
fn what_the_server_cannot_do_now_is_an_outage() {
    tests::setup::run(|| async {
        let world = World::new(Way::Distributed).await;
        let writer = world.database.writer();
        for sql in [
            "create table raising (code text)",
            "create function raise_it() returns trigger language plpgsql as
             $$ begin raise exception using errcode = new.code, message = 'so it is'; end $$",
            "create constraint trigger raising after insert on raising
             deferrable initially deferred for each row execute function raise_it()",
        ] {
            writer.execute_unprepared(sql).await.expect("it is made");
        }
        let log = world.log().await;
        for code in [
            "08006", "25006", "25P03", "25P04", "40003", "53000", "53100", "53200", "53300",
            "53400", "57014", "57P01", "57P02", "57P03", "57P04", "58000", "58030",
        ] {
            let at_once = raise(code);
            let at_commit: &str = format!("insert into raising values ('{code}')").leak();
            for statement in [at_once, at_commit] {
                let failed = write(&log, statement).await;
                assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
                let code_of = failed.expect_err("it failed").code();
                assert_eq!(code_of.as_deref(), Some(code));
            }
            write(&log, NOTHING).await.expect("the next one works");
        }
        for code in ["22012", "23505", "42P01", "XX000"] {
            let failed = write(&log, raise(code)).await;
            assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
        }
    });
}

/// Sessions from when the server was read-only do not stay.
#[test]
fn a_server_that_is_read_only_is_an_outage_until_it_is_not() {
    tests::setup::run(|| async {
        let world = World::new(Way::Distributed).await;
        let log = world.log().await;
        let name = world.database_url.rsplit('/').next().expect("a name");
        let server = Postgres::shared();
        let set = |value: &str| {
            let sql = format!("alter database {name} set default_transaction_read_only = {value}");
            server.execute("postgres", &sql);
            let sql = format!(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
            );
            server.execute("postgres", &sql);
        };
        set("on");
        eventually("it is not ready", SOON, async || {
            log.readiness().await.err()
        })
        .await;
        for _ in 0..3 {
            let failed = write(&log, NOTHING).await;
            assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
            assert!(log.readiness().await.is_err(), "it lasts, and is said");
        }
        let sql = format!("alter database {name} set default_transaction_read_only = off");
        // Sessions that already exist are not affected.
        server.execute("postgres", &sql);
        eventually("it is ready", SOON, async || log.readiness().await.ok()).await;
        eventually("it can be written", SOON, async || {
            write(&log, NOTHING).await.ok()
        })
        .await;
        for _ in 0..10 {
            write(&log, NOTHING).await.expect("it is written");
        }
    });
}
