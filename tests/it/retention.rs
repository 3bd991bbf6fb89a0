//! What becomes of the log when it is archived and pruned, and of what is personal when it is erased. What an
//! operator asks for is done in a process beside those that serve.

mod archiving;
mod away;
mod compacting;
mod erasing;
mod expiring;
mod holding;
mod markers;
mod pruning;
mod streams;
mod tidying;

use std::process::{Command, Output};

use sea_orm::DatabaseConnection;
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

pub fn command(setup: &Setup, name: &str, flags: &[&str]) -> Command {
    setup.command(&[&[name], flags].concat())
}

pub fn output(setup: &Setup, name: &str, flags: &[&str]) -> Output {
    tokio::task::block_in_place(|| tests::recipe::finish(&mut command(setup, name, flags)))
}

/// Runs one to its end, which must be good, and gives what it printed.
pub fn run(setup: &Setup, name: &str, flags: &[&str]) -> String {
    let output = output(setup, name, flags);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

pub async fn head(database: &DatabaseConnection) -> u64 {
    database::log_size(database).await.1
}

pub async fn pruned(database: &DatabaseConnection) -> u64 {
    database::number(database, "select pruned as number from log_head").await
}

/// Prunes all that there is now, as soon as everybody has passed it.
pub async fn prune_all(setup: &Setup, database: &DatabaseConnection) -> u64 {
    let goal = head(database).await;
    eventually("all is pruned", SOON, async || {
        run(setup, "prune", &["--older-than", "0s"]);
        let pruned = pruned(database).await;
        (pruned >= goal).then_some(pruned)
    })
    .await
}

/// The statement that makes a dead letter about the event at this position.
pub fn letter_about(setup: &Setup, position: u64) -> String {
    let (now, no) = match setup.is_distributed() {
        true => ("now()", "false"),
        false => ("unixepoch('subsec')", "0"),
    };
    format!(
        "insert into dead_letter (id, consumer, kind, position, part, stream, stream_id, version, type, event_id,
             attempts, first_at, last_at, parked)
         select e.event_id, 'somebody', 'follower', p.position, e.part, e.stream, e.stream_id, e.version, e.type,
                e.event_id, 1, {now}, {now}, {no}
         from event e join event_position p on p.inserted = e.inserted where p.position = {position}"
    )
}

/// So many customers, written while nobody follows.
pub fn seed(setup: &Setup, customers: u32) {
    let mut command = setup.command(&["seed"]);
    command.args(["--customers", &customers.to_string()]);
    let done = tokio::task::block_in_place(|| command.output()).expect("it starts");
    let text = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{text}");
}
