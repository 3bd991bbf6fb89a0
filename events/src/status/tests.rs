//! Lags, compared with a count over everything, whatever the checkpoints are, and the bound on counts.

use chrono::Utc;
use proptest::prelude::*;
use sea_orm::ConnectionTrait;

use super::{followers::read_followers, *};
use crate::{DatabaseConnection, PARTS, kit::SqliteFile};

async fn execute(database: &DatabaseConnection, sql: &str) {
    database.execute_unprepared(sql).await.expect("a statement");
}

/// Appends events to parts chosen from `seed`, an hour old at first and a second younger each.
async fn fill(database: &DatabaseConnection, events: u64, seed: u64) {
    let start = Utc::now().timestamp() - 3_600;
    let sql = format!(
        "with recursive n(i) as (select 1 where 0 < {events} union all select i + 1 from n where i < {events})
         insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta,
                            occurred_at, previous)
         select randomblob(16), (((i + {seed}) * 2654435761) % 4294967296) * {PARTS} / 4294967296, 'chat', randomblob(16), 1, 'Happened', 1, '{{}}',
                '{{\"actor\":\"test\"}}', strftime('%Y-%m-%dT%H:%M:%S', {start} + i, 'unixepoch') || '+00:00', 0 from n"
    );
    execute(database, &sql).await;
}

async fn parts_of(database: &DatabaseConnection) -> Vec<(i16, u64)> {
    let events = crate::read::read_after(database, None, 0, u64::MAX >> 1, u64::MAX >> 1).await;
    let events = events.expect("all events");
    events
        .iter()
        .map(|event| (event.part, event.position))
        .collect()
}

async fn one(database: &DatabaseConnection) -> FollowerStatus {
    let followers = read_followers(database, &["model"]).await;
    let followers = followers.expect("the followers");
    assert_eq!(followers.len(), 1);
    followers[0].clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_lag_is_what_is_behind_the_checkpoints(
        events in 0_u64..200,
        seed in 0_u64..50,
        reached in prop::collection::vec(0_u64..220, PARTS as usize),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (_file, database) = SqliteFile::create().await;
            let writer = database.writer();
            fill(writer, events, seed).await;
            let all = parts_of(&database.reader).await;
            let mut checkpoints = [0; PARTS as usize];
            for (part, position) in &all {
                if *position <= reached[*part as usize] {
                    checkpoints[*part as usize] = *position;
                }
            }
            for (part, position) in checkpoints.iter().enumerate() {
                // A part without a row is at 0.
                if *position > 0 {
                    let sql = format!(
                        "insert into checkpoint (follower, part, position) values ('model', {part}, {position})"
                    );
                    execute(writer, &sql).await;
                }
            }
            let left: Vec<u64> = all
                .iter()
                .filter(|(part, position)| *position > checkpoints[*part as usize])
                .map(|(_, position)| *position)
                .collect();
            let status = one(&database.reader).await;
            assert_eq!(status.lag.events, left.len() as u64);
            assert!(!status.lag.is_estimate);
            match left.first() {
                Some(first) => {
                    let age = 3_600.0 - *first as f64;
                    assert!((status.lag.seconds - age).abs() < 5.0, "{} is not {age}", status.lag.seconds);
                    assert!(status.position < *first);
                }
                None => {
                    assert_eq!(status.lag, Lag::default());
                    assert_eq!(status.position, events);
                }
            }
        });
    }
}

#[tokio::test]
async fn a_lag_too_long_to_count_is_estimated() {
    const EVENTS: u64 = 100_000;
    let (_file, database) = SqliteFile::create().await;
    fill(database.writer(), EVENTS, 3).await;
    let status = one(&database.reader).await;
    assert!(status.lag.is_estimate);
    let events = status.lag.events as f64;
    assert!((events / EVENTS as f64 - 1.0).abs() < 0.02, "{events}");
    assert_eq!(status.position, 0);
    let age = 3_600.0 - 1.0;
    assert!(
        (status.lag.seconds - age).abs() < 5.0,
        "{}",
        status.lag.seconds
    );
}

/// A process that was killed leaves its row, which nobody removes when no other runs the follower.
#[tokio::test]
async fn processes_that_are_gone_are_not_listed() {
    let (_file, database) = SqliteFile::create().await;
    let writer = database.writer();
    for (owner, seen_at) in [
        ("at work", "unixepoch()"),
        ("with a long lease", "unixepoch() - 90"),
        ("killed", "unixepoch() - 90"),
        ("of another clock", "unixepoch() + 9000"),
    ] {
        let member = format!("insert into follower_member values ('model', '{owner}', {seen_at})");
        execute(writer, &member).await;
    }
    for (part, owner, until) in [(1, "with a long lease", 90), (2, "killed", -80)] {
        let checkpoint = format!(
            "insert into checkpoint (follower, part, position, owner, leased_until)
             values ('model', {part}, 0, '{owner}', unixepoch() + {until})"
        );
        execute(writer, &checkpoint).await;
    }
    let status = one(&database.reader).await;
    let owners: Vec<_> = status.members.iter().map(|it| &*it.owner).collect();
    assert_eq!(owners, ["at work", "with a long lease"]);

    let day = Duration::from_secs(86_400);
    execute(
        writer,
        "insert into follower_member values ('retired', 'killed', unixepoch() - 90000)",
    )
    .await;
    crate::remove_ended_deliveries(&database, day)
        .await
        .expect("a cleaning");
    let left = "select owner from follower_member where follower = 'retired'";
    let left: Vec<(String,)> = crate::sql::query_as(writer, left, Vec::new())
        .await
        .expect("members");
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn renewed_leases_are_no_news() {
    let part = |leased_until| PartStatus {
        part: 1,
        position: 7,
        token: 2,
        owner: Some("a".to_owned()),
        leased_until,
    };
    let status = |leased_until, position| WorkersStatus {
        followers: vec![FollowerStatus {
            name: "model".to_owned(),
            lag: Lag::default(),
            position,
            members: Vec::new(),
            parts: vec![part(leased_until)],
            dead_letters: 0,
        }],
        ..WorkersStatus::default()
    };
    let now = Utc::now();
    assert!(!status(Some(now), 7).differs_from(&status(None, 7)));
    assert!(status(Some(now), 8).differs_from(&status(Some(now), 7)));
}
