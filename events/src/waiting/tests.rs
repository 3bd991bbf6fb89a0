//! Joint renewals on SQLite: whom they serve, and who has to look for itself.

use sea_orm::TransactionTrait;

use super::*;
use crate::{
    kit,
    sql::{execute, query_one_as},
};

const LEASE: Duration = Duration::from_secs(30);
const OWNER: &str = "this process";

/// A database in which each of these followers holds all parts at position 7, about to run out.
async fn database_with(followers: &[&str]) -> (kit::SqliteFile, Database) {
    let (file, database) = kit::SqliteFile::create().await;
    for follower in followers {
        change(
            &database,
            &format!(
                "insert into follower_member (follower, owner, seen_at) values ('{follower}', '{OWNER}', unixepoch())"
            ),
        )
        .await;
        for part in 0..PARTS {
            let sql = format!(
                "insert into checkpoint (follower, part, position, owner, token, leased_until)
                 values ('{follower}', {part}, 7, '{OWNER}', 1, unixepoch() + 1)"
            );
            change(&database, &sql).await;
        }
    }
    (file, database)
}

fn sit<'a>(waiting: &'a Waiting, follower: &'static str) -> Seat<'a> {
    sit_with(waiting, (OWNER, follower), PARTS)
}

/// Sits down with the first parts, whose leases are due.
fn sit_with<'a>(waiting: &'a Waiting, key: (&str, &'static str), parts: i16) -> Seat<'a> {
    let held = (0..parts).map(|part| (part, 1, 7));
    waiting.sit(key, LEASE, held, Some(long_ago()))
}

fn long_ago() -> Instant {
    let at = Instant::now().checked_sub(LEASE / 2);
    at.expect("the machine runs for longer")
}

fn is_renewed(renewed_at: Option<Instant>) -> bool {
    renewed_at.is_some_and(|at| at.elapsed() < LEASE / 3)
}

/// Returns how many parts of the follower are kept for longer than they were.
async fn renewed(database: &Database, follower: &str) -> i64 {
    let sql =
        "select count(*) from checkpoint where follower = $1 and leased_until > unixepoch() + 10";
    let count = query_one_as(database.writer(), sql, vec![follower.into()]).await;
    count.expect("a count").unwrap_or_default()
}

async fn change(database: &Database, sql: &str) {
    let rows = execute(database.writer(), sql, Vec::new()).await;
    assert!(rows.expect("a change") > 0, "{sql}");
}

#[tokio::test]
async fn one_renews_for_all_that_sit() {
    let (_file, database) = database_with(&["one", "two", "three"]).await;
    let waiting = Waiting::default();
    let [one, two] = ["one", "two"].map(|name| sit(&waiting, name));
    drop(sit(&waiting, "three"));
    let elsewhere = sit_with(&waiting, ("another process", "three"), PARTS);
    one.renew(&database).await;
    for (follower, parts) in [("one", PARTS), ("two", PARTS), ("three", 0)] {
        let renewed = renewed(&database, follower).await;
        assert_eq!(renewed, i64::from(parts), "{follower}");
    }
    let at = two.rise();
    assert!(is_renewed(at), "all is as it was");
    assert_eq!(one.rise(), at);
    assert!(!is_renewed(elsewhere.rise()), "it was not meant");
}

#[tokio::test]
async fn nobody_renews_what_another_has_just_renewed() {
    let (_file, database) = database_with(&["one", "two"]).await;
    let waiting = Waiting::default();
    let [one, two] = ["one", "two"].map(|name| sit(&waiting, name));
    one.renew(&database).await;
    change(&database, "update checkpoint set leased_until = 1").await;
    two.renew(&database).await;
    assert_eq!(renewed(&database, "two").await, 0);
}

#[tokio::test]
async fn who_does_not_find_all_as_it_was_looks_for_itself() {
    let another = "insert into follower_member (follower, owner, seen_at) values ('one', 'another', unixepoch())";
    let one = "where follower = 'one'";
    for (what, stands) in [
        (
            format!("update checkpoint set position = 5 {one} and part = 3"),
            false,
        ),
        (
            format!("update checkpoint set token = 2 {one} and part = 3"),
            false,
        ),
        (
            format!("update checkpoint set token = 2, owner = 'another' {one} and part = 3"),
            false,
        ),
        (
            format!("update checkpoint set owner = null, leased_until = 0 {one} and part = 3"),
            false,
        ),
        (format!("delete from checkpoint {one} and part = 3"), false),
        (format!("delete from follower_member {one}"), false),
        (another.to_owned(), false),
        (
            "update checkpoint set position = 5 where follower = 'two'".to_owned(),
            true,
        ),
    ] {
        let (_file, database) = database_with(&["one", "two"]).await;
        let waiting = Waiting::default();
        let [one, two] = ["one", "two"].map(|name| sit(&waiting, name));
        change(&database, &what).await;
        two.renew(&database).await;
        if !stands {
            one.is_unsettled().await;
        }
        assert_eq!(one.rise().is_some(), stands, "{what}");
    }
}

#[tokio::test]
async fn a_smaller_share_stands_while_no_part_is_free() {
    let (_file, database) = database_with(&["one"]).await;
    let waiting = Waiting::default();
    let others =
        "update checkpoint set owner = 'another', leased_until = unixepoch() + 30 where part >= 4";
    let free = "update checkpoint set leased_until = 0 where part = 9";
    for (what, stands) in [(others, true), (free, false)] {
        change(&database, what).await;
        let one = sit_with(&waiting, (OWNER, "one"), 4);
        one.renew(&database).await;
        assert_eq!(is_renewed(one.rise()), stands, "{what}");
    }
}

#[tokio::test]
async fn who_rose_meanwhile_is_not_told() {
    let (_file, database) = database_with(&["one", "two"]).await;
    let waiting = Waiting::default();
    let [one, two] = ["one", "two"].map(|name| sit(&waiting, name));
    let ((), again) = tokio::join!(one.renew(&database), async {
        assert!(!is_renewed(two.rise()), "it does not wait");
        sit(&waiting, "two")
    });
    // It may have worked in between, so nothing is known of what it holds now.
    assert!(!is_renewed(again.rise()));
}

#[tokio::test]
async fn a_database_that_does_not_answer_settles_nothing() {
    let (_file, database) = database_with(&["one", "two"]).await;
    let waiting = Waiting::default();
    let lease = Duration::from_millis(300);
    let held = || (0..PARTS).map(|part| (part, 1, 7));
    let [one, two] =
        ["one", "two"].map(|name| waiting.sit((OWNER, name), lease, held(), Some(long_ago())));
    let writing = database
        .schema_connection()
        .begin()
        .await
        .expect("a transaction");
    writing
        .execute_unprepared("update checkpoint set position = position")
        .await
        .expect("the only writer");
    one.renew(&database).await;
    two.is_unsettled().await;
    assert_eq!((one.rise(), two.rise()), (None, None));
}

#[tokio::test]
async fn a_member_that_is_gone_leaves_its_share() {
    let (_file, database) = database_with(&["one"]).await;
    let waiting = Waiting::default();
    for (seen_at, stands) in [("unixepoch()", true), ("1", false)] {
        let others = "update checkpoint set owner = 'another', leased_until = unixepoch() + 30 where part >= 8";
        change(&database, others).await;
        let member = format!(
            "insert into follower_member (follower, owner, seen_at) values ('one', 'another', {seen_at})
             on conflict (follower, owner) do update set seen_at = excluded.seen_at"
        );
        change(&database, &member).await;
        let one = sit_with(&waiting, (OWNER, "one"), 8);
        one.renew(&database).await;
        assert_eq!(one.rise().is_some(), stands, "seen at {seen_at}");
    }
}
