//! A migration of Postgres that something is in the way of: it gets through, or ends and says why.

use migration::{Migrator, MigratorTrait, SchemaError, check, migrate};
use sea_orm_migration::sea_orm::{ConnectionTrait, TransactionTrait};
use tests::eventually;
use tests::postgres::Postgres;
use tests::rig::proxy::{Proxy, Silence};
use tests::waiting::SOON;
use tokio::task::block_in_place;

use crate::beside::{EVENT, at, await_statement};
use crate::places::{connect, texts};

const BUILD: &str = "create index concurrently%";

/// An autovacuum of a large table takes hours, and holds the lock that a script needs.
#[tokio::test(flavor = "multi_thread")]
async fn an_autovacuum_gives_way() {
    let postgres = block_in_place(Postgres::start);
    postgres.execute("postgres", "alter system set autovacuum_naptime = '1s'");
    postgres.execute("postgres", "select pg_reload_conf()");
    let url = block_in_place(|| postgres.empty_database("vacuumed"));
    let connection = connect(&url).await;
    Migrator::up(&connection, Some(36)).await.expect("steps");
    for statement in [
        // A page takes a tenth of a second at least.
        "alter table chat set (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)",
        "insert into chat select gen_random_uuid(), 'GROUP', repeat('x', 1900), null, 1, 0, 1, now(), now()
         from generate_series(1, 8000)",
        "update chat set version = 2",
    ] {
        let done = connection.execute_unprepared(statement).await;
        done.expect(statement);
    }
    let vacuums =
        "select phase as text from pg_stat_progress_vacuum where relid = 'chat'::regclass";
    eventually("it is vacuumed", SOON, async || {
        (!texts(&connection, vacuums).await.is_empty()).then_some(())
    })
    .await;
    migrate(&url).await.expect("the vacuum gives way");
    check(&connection).await.expect("up to date");
    let ended =
        "select autovacuum_count::text as text from pg_stat_user_tables where relname = 'chat'";
    assert_eq!(texts(&connection, ended).await, ["0"], "it waited for it");
}

/// A build waits for a transaction that then wants the table, as that of a rebuild does: one of the two has to end.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_ends_a_deadlock_begins_anew() {
    let (url, holder, other) = at(11).await;
    let name = texts(&other, "select current_database()::text as text").await;
    // Of two that wait for each other the first to look ends: the migration.
    let first = format!("alter database {} set deadlock_timeout = '5s'", name[0]);
    for statement in [first.as_str(), "set deadlock_timeout = '10min'"] {
        holder.execute_unprepared(statement).await.expect(statement);
    }
    let writing = holder.begin().await.expect("a transaction");
    writing.execute_unprepared(EVENT).await.expect("an event");
    let migrating = tokio::spawn(async move { migrate(&url).await });
    await_statement(&other, BUILD).await;
    let wanted = "lock table event in share update exclusive mode";
    writing.execute_unprepared(wanted).await.expect("the table");
    writing.commit().await.expect("committed");
    migrating
        .await
        .expect("no panic")
        .expect("it is tried again");
    check(&other).await.expect("up to date");
}

/// A connection that goes silent in the middle of a statement, whose session the server ends when it notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_lost_is_not_waited_for() {
    let (url, holder, other) = at(11).await;
    let port = Postgres::shared().port();
    let proxy = Proxy::start(port).await;
    let through = url.replace(&port.to_string(), &proxy.port.to_string());
    let writing = holder.begin().await.expect("a transaction");
    writing.execute_unprepared(EVENT).await.expect("an event");
    let migrating = tokio::spawn(async move { migrate(&through).await });
    await_statement(&other, BUILD).await;
    proxy.silence_all(Silence::Both);
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and application_name = 'millrace migrate'";
    other.execute_unprepared(end).await.expect("ended");
    let ended = tokio::time::timeout(SOON, migrating).await;
    let ended = ended.expect("it does not wait").expect("no panic");
    let error = ended.expect_err("its session is gone");
    assert!(matches!(error, SchemaError::Lost(_)), "{error}");
    writing.commit().await.expect("committed");
    migrate(&url).await.expect("it is done by the next");
}
