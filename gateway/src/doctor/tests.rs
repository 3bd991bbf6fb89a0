//! What is well is told apart from what works badly and from what does not work.

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
