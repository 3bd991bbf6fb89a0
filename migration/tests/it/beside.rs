//! A migration beside programs that write, on Postgres: nobody waits long, and an interrupted one is resumed.

use std::time::Duration;

use migration::{Migrator, MigratorTrait, check, migrate};
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use tests::eventually;
use tests::waiting::SOON;

use crate::places::{Way, connect, empty, texts};

pub(crate) const EVENT: &str = "insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at)
    values (gen_random_uuid(), 0, 'customer', gen_random_uuid(), 1, 'CustomerCreated', 1, '{}', '{}', now())";
const USER: &str = "insert into app_user values
    (gen_random_uuid(), 'a', gen_random_uuid()::text, 'a', 'a', null, 'MEMBER', 'ONLINE', 1, now(), now(), null)";
const SESSION: &str =
    "insert into session select gen_random_uuid(), id, 1, now(), now(), null from app_user limit 1";
/// Longer than the runner waits for a table, and shorter than a mutation may take.
const MOST_WAITED: &str = "set statement_timeout = '2500ms'";

/// Returns a database after this many migrations, and a second connection to it.
pub(crate) async fn at(steps: u32) -> (String, DatabaseConnection, DatabaseConnection) {
    let url = empty(Way::Distributed);
    let connection = connect(&url).await;
    Migrator::up(&connection, Some(steps)).await.expect("steps");
    for statement in [EVENT, USER, SESSION] {
        let written = connection.execute_unprepared(statement).await;
        written.expect("a row");
    }
    let other = connect(&url).await;
    let limited = other.execute_unprepared(MOST_WAITED).await;
    limited.expect("a limit");
    (url, connection, other)
}

/// Waits until the migration waits for `what` in a statement like this.
pub(crate) async fn await_statement(connection: &DatabaseConnection, like: &str) {
    let sql = format!(
        "select query as text from pg_stat_activity where datname = current_database()
         and pid <> pg_backend_pid() and state = 'active' and wait_event_type = 'Lock' and query ilike '{like}'"
    );
    eventually("the migration waits", SOON, async || {
        (!texts(connection, &sql).await.is_empty()).then_some(())
    })
    .await;
}

/// An index on the events waits for a transaction that writes; other writers wait for neither.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_made_beside_writers() {
    let (url, holder, other) = at(11).await;
    let writing = holder.begin().await.expect("a transaction");
    writing.execute_unprepared(EVENT).await.expect("an event");
    let migrating = tokio::spawn(async move { migrate(&url).await });
    await_statement(&other, "create index concurrently%").await;
    for _ in 0..5 {
        let written = other.execute_unprepared(EVENT).await;
        written.expect("nobody waits for an index");
    }
    writing.commit().await.expect("committed");
    migrating.await.expect("no panic").expect("it ends");
    check(&other).await.expect("up to date");
}

/// A script that needs a table lets statements pass that queue behind it, and gets the table in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_script_lets_others_pass() {
    let (url, holder, other) = at(12).await;
    let writing = holder.begin().await.expect("a transaction");
    writing
        .execute_unprepared(SESSION)
        .await
        .expect("a session");
    let migrating = tokio::spawn(async move { migrate(&url).await });
    for _ in 0..2 {
        await_statement(&other, "%create table refresh_repeat%").await;
        let written = other.execute_unprepared(SESSION).await;
        written.expect("whoever queues behind it waits a second at most");
    }
    writing.commit().await.expect("committed");
    migrating.await.expect("no panic").expect("it ends");
    check(&other).await.expect("up to date");
}

/// An interrupted build leaves an index that is never used.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_left_unfinished_is_made_anew() {
    let (url, holder, other) = at(11).await;
    let writing = holder.begin().await.expect("a transaction");
    writing.execute_unprepared(EVENT).await.expect("an event");
    let limited = other.execute_unprepared("set statement_timeout = '300ms'");
    limited.await.expect("a limit");
    let build = "create index concurrently event_actor on event ((meta ->> 'actor'))";
    let interrupted = other.execute_unprepared(build).await;
    interrupted.expect_err("it is interrupted");
    let limited = other.execute_unprepared(MOST_WAITED);
    limited.await.expect("a limit");
    let valid =
        "select indisvalid::text as text from pg_index where indexrelid = 'event_actor'::regclass";
    assert_eq!(texts(&other, valid).await, ["false"]);
    writing.commit().await.expect("committed");
    migrate(&url).await.expect("it is made anew");
    assert_eq!(texts(&other, valid).await, ["true"]);
}

/// Time-outs set for the database do not end a migration.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_outs_of_the_database_do_not_apply() {
    let (url, holder, other) = at(11).await;
    let name = texts(&other, "select current_database()::text as text").await;
    for setting in ["statement_timeout", "lock_timeout"] {
        let set = format!("alter database {} set {setting} = '500ms'", name[0]);
        holder.execute_unprepared(&set).await.expect("a time-out");
    }
    let writing = holder.begin().await.expect("a transaction");
    writing.execute_unprepared(EVENT).await.expect("an event");
    let migrating = tokio::spawn(async move { migrate(&url).await });
    await_statement(&other, "create index concurrently%").await;
    // Longer than these time-outs.
    tokio::time::sleep(Duration::from_millis(700)).await;
    writing.commit().await.expect("committed");
    migrating.await.expect("no panic").expect("it ends");
}
