//! `millrace migrate` that is killed in the middle: the server ends its session, so that the next one goes on.

use sea_orm::{ConnectionTrait, TransactionTrait};
use tests::process::Process;
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

/// The session that builds an index, or removes one that was left unfinished: both wait for those who write.
const BUILDING: &str =
    "select pid::text as text from pg_stat_activity where datname = current_database()
    and state = 'active' and pid <> pg_backend_pid() and query ~* '^(create|drop) index concurrently'";

async fn a_killed_migration_holds_up_nobody(setup: Setup) {
    let (holder, other) = (setup.database().await, setup.database().await);
    for statement in [
        "delete from seaql_migrations where version = 'm0035_orders'",
        "drop index app_user_by_update",
    ] {
        other.execute_unprepared(statement).await.expect(statement);
    }
    // A build waits for it.
    let writing = holder.begin().await.expect("a transaction");
    let write = "update app_user set version = version";
    writing.execute_unprepared(write).await.expect("written");
    let start = |name| {
        let mut command = setup.command(&["migrate"]);
        Process::spawn(name, &setup.directory, &mut command, "KILL")
    };
    let building = async |not: &[String]| {
        eventually("an index is built", SOON, async || {
            let pids = database::texts(&other, BUILDING).await;
            (!pids.is_empty() && pids != not).then_some(pids)
        })
        .await
    };
    let mut killed = start("killed");
    let first = building(&[]).await;
    killed.kill();
    let mut next = start("next");
    building(&first).await;
    writing.commit().await.expect("committed");
    let ended = tokio::task::block_in_place(|| next.wait(SOON));
    assert!(ended.success(), "{}", next.log());
    let valid = "select indisvalid::text as text from pg_index where indexrelid = 'app_user_by_update'::regclass";
    assert_eq!(database::texts(&other, valid).await, ["true"]);
}

tests::distributed!(a_killed_migration_holds_up_nobody);
