//! What is well is told apart from what works badly and from what does not work.

use events::{AheadFacts, BreakerStatus, FollowerStatus, Member, PartStatus};

use migration::IndexFacts;

use super::*;

fn server() -> ServerFacts {
    let settings = ["fsync", "full_page_writes", "synchronous_commit"];
    ServerFacts {
        major: 17,
        settings: settings
            .map(|name| (name.to_owned(), "on".to_owned()))
            .into(),
        connections: [10, 100],
        ..ServerFacts::default()
    }
}

fn worst(found: &[Finding]) -> Grade {
    found.iter().map(|it| it.grade).max().expect("a finding")
}

#[test]
fn a_server_that_loses_commits_is_trouble() {
    let of = |change: fn(&mut ServerFacts)| {
        let mut server = server();
        change(&mut server);
        let server = Some(server);
        worst(&of_database(&DatabaseFacts {
            server,
            ..DatabaseFacts::default()
        }))
    };
    assert_eq!(of(|_| ()), Grade::Ok);
    assert_eq!(
        of(|it| drop(it.settings.insert("fsync".to_owned(), "off".to_owned()))),
        Grade::Trouble
    );
    assert_eq!(of(|it| it.is_read_only = true), Grade::Trouble);
    assert_eq!(of(|it| it.major = 14), Grade::Trouble);
    assert_eq!(of(|it| it.connections = [91, 100]), Grade::Warning);
    assert_eq!(of(|it| it.clock_ahead = -1.5), Grade::Warning);
    assert_eq!(of(|it| it.oldest_transaction = 61.0), Grade::Warning);
}

#[test]
fn a_redis_that_forgets_is_told_apart_from_one_that_refuses() {
    let of = |change: fn(&mut RedisFacts)| {
        let mut facts = RedisFacts {
            version: "7.2.4".to_owned(),
            policy: "noeviction".to_owned(),
            is_writable: true,
            ..RedisFacts::default()
        };
        change(&mut facts);
        worst(&of_redis(&facts))
    };
    assert_eq!(of(|_| ()), Grade::Ok);
    assert_eq!(
        of(|it| it.policy = "allkeys-lru".to_owned()),
        Grade::Warning
    );
    assert_eq!(of(|it| it.memory = [95, 100]), Grade::Warning);
    assert_eq!(of(|it| it.is_writable = false), Grade::Trouble);
    assert_eq!(of(|it| it.version = "6.2.0".to_owned()), Grade::Trouble);
}

#[test]
fn what_is_full_is_told() {
    assert_eq!(of_disk(2 << 30, 1 << 20).grade, Grade::Ok);
    assert_eq!(of_disk(2 << 30, 3 << 30).grade, Grade::Warning);
    assert_eq!(of_disk(1 << 20, 0).grade, Grade::Warning);
}

#[test]
fn indexes_that_are_of_no_use_are_told() {
    let well = IndexFacts {
        has_trigrams: true,
        ..IndexFacts::default()
    };
    let says = |facts| -> String {
        let found = of_indexes(&facts);
        found.iter().map(|it| format!("{it}\n")).collect()
    };
    assert_eq!(worst(&of_indexes(&well)), Grade::Ok);
    let missing = vec!["post_search".to_owned()];
    let without = says(IndexFacts {
        has_trigrams: false,
        missing: missing.clone(),
        ..well.clone()
    });
    assert!(without.contains("create extension pg_trgm"), "{without}");
    assert!(
        says(IndexFacts {
            missing,
            ..well.clone()
        })
        .contains("lack post_search")
    );
    let unfinished = vec!["event_actor".to_owned()];
    assert!(says(IndexFacts { unfinished, ..well }).contains("event_actor cannot be used"));
}

/// A follower whose parts these processes hold, of which one was killed, and so has not left.
fn follower(owner: Option<&str>) -> FollowerStatus {
    let part = |part| PartStatus {
        part,
        position: 7,
        token: 1,
        owner: owner.map(str::to_owned),
        leased_until: None,
    };
    FollowerStatus {
        name: "posts".to_owned(),
        lag: events::Lag::default(),
        position: 7,
        members: vec![Member {
            owner: "killed".to_owned(),
            seen_at: chrono::DateTime::UNIX_EPOCH,
        }],
        parts: (0..2).map(part).collect(),
        dead_letters: 0,
    }
}

#[test]
fn processes_that_were_killed_do_no_work() {
    let of = |owner| {
        worst(&of_workers(&WorkersStatus {
            followers: vec![follower(owner)],
            ..WorkersStatus::default()
        }))
    };
    assert_eq!(of(Some("another")), Grade::Ok);
    assert_eq!(of(None), Grade::Trouble);
}

#[test]
fn what_is_tried_again_is_not_back() {
    let of = |state| {
        worst(&of_workers(&WorkersStatus {
            breakers: vec![BreakerStatus {
                dependency: "webhook".to_owned(),
                owner: "any".to_owned(),
                state,
                since: chrono::DateTime::UNIX_EPOCH,
                failures: 9,
                error: None,
                seen_at: chrono::DateTime::UNIX_EPOCH,
            }],
            ..WorkersStatus::default()
        }))
    };
    assert_eq!(of(BreakerState::Closed), Grade::Ok);
    assert_eq!(of(BreakerState::Open), Grade::Warning);
    assert_eq!(of(BreakerState::HalfOpen), Grade::Warning);
}

#[test]
fn events_from_the_future_are_told() {
    let of = |events| {
        of_times(&AheadFacts {
            of: 1_000,
            events,
            seconds: 3_600.4,
        })
    };
    assert_eq!(of(0).grade, Grade::Ok);
    let told = of(7);
    assert_eq!(told.grade, Grade::Warning);
    assert!(told.says.starts_with("7 of the newest 1000"), "{told}");
}
