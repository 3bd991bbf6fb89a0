//! Attempts: counted across processes, repeated in time, and ended at the limit.

use std::{
    collections::BTreeMap,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use events::{DeadLetter, LetterFilter, LetterKind, LetterRange, Replayed, RetryPolicy, Which};
use tests::eventually;
use uuid::Uuid;

use crate::{
    jobs::{Todo, Worker, ask, quickly},
    world::{Running, SOON, Way, World, both_ways},
};

async fn attempts_are_counted_across_processes(way: Way) {
    let world = World::new(way).await;
    let logs = world.logs(3).await;
    let worker = Worker {
        policy: RetryPolicy {
            limit: 7,
            first: Duration::from_millis(100),
            longest: Duration::from_millis(300),
        },
        ..Worker::new("counting", "any")
    };
    ask(&logs[0], "JobAsked", vec![Todo::FailFirst(5)]).await;
    for (number, log) in logs.iter().enumerate() {
        let running = Running::start(log, vec![worker.arc()], &format!("owner-{number}"));
        let wanted = 2 * (number + 1);
        eventually("another two attempts", SOON, async || {
            (worker.attempt_numbers().len() >= wanted).then_some(())
        })
        .await;
        running.stop().await;
    }
    assert_eq!(worker.attempt_numbers(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(world.effects("counting").await.len(), 1);
}

async fn a_delayed_retry_survives_a_restart(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let worker = Worker {
        policy: RetryPolicy {
            limit: 3,
            first: Duration::from_secs(6),
            longest: Duration::from_secs(6),
        },
        ..Worker::new("patient", "any")
    };
    let running = Running::start(&log, vec![worker.arc()], "before");
    // The delay is random up to 6 s: among this many, some are long.
    ask(&log, "JobAsked", vec![Todo::FailFirst(1); 12]).await;
    world.await_deliveries("patient", &[("running", 0)]).await;
    eventually("all have failed once", SOON, async || {
        (worker
            .attempt_numbers()
            .iter()
            .filter(|number| **number == 1)
            .count()
            == 12)
            .then_some(())
    })
    .await;
    running.stop().await;
    let due = match world.way {
        Way::Embedded => "due_at > unixepoch('subsec') + 1",
        Way::Distributed => "due_at > now() + interval '1 second'",
    };
    let looked = Instant::now();
    let delayed = world
        .number(&format!(
            "select count(*) as number from delivery where state = 'waiting' and {due}"
        ))
        .await;
    assert!(delayed > 0, "none of 12 is delayed by more than a second");
    let running = Running::start(&log, vec![worker.arc()], "after");
    tokio::time::sleep(Duration::from_millis(400)).await;
    let early = world.number("select count(*) as number from effect").await;
    // On a machine that stood still, some are due by now.
    assert!(
        early <= 12 - delayed || looked.elapsed() > Duration::from_secs(1),
        "{early} were handled before they were due"
    );
    world.await_deliveries("patient", &[("done", 12)]).await;
    running.stop().await;
    let twice = worker
        .attempt_numbers()
        .iter()
        .filter(|number| **number == 2)
        .count();
    assert_eq!((twice, worker.attempt_numbers().len()), (12, 24));
}

async fn what_fails_for_good_ends_in_the_dead_letters(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let worker = Worker::new("failing", "any");
    let running = Running::start(&log, vec![worker.arc()], "any");
    let mut todos = vec![
        Todo::FailAlways,
        Todo::FailForGood,
        Todo::Panic,
        Todo::FailAlways,
        Todo::FailFirst(2),
    ];
    todos.extend(vec![Todo::Succeed; 20]);
    let ids = ask(&log, "JobAsked", todos).await;
    world
        .await_deliveries("failing", &[("done", 21), ("dead", 4)])
        .await;
    let letters = letters(&log).await;
    let by_stream: BTreeMap<_, _> = letters
        .iter()
        .map(|letter| (letter.stream_id, letter))
        .collect();
    assert_eq!(by_stream.len(), 4);
    let [always, for_good, panic, again] = [0, 1, 2, 3].map(|index| by_stream[&ids[index]]);
    assert_eq!(
        (always.attempts, for_good.attempts, panic.attempts),
        (3, 1, 3)
    );
    let error = always.error.as_deref().expect("an error");
    assert_eq!(error, format!("failed on {}\nas asked", always.position));
    let panicked = panic.error.as_deref().expect("an error");
    assert_eq!(
        panicked,
        format!("it panicked: as asked, on {}", panic.position)
    );
    assert_eq!(
        always.fingerprint, again.fingerprint,
        "they failed in the same way"
    );
    assert_ne!(always.fingerprint, panic.fingerprint);
    assert!(
        letters
            .iter()
            .all(|letter| letter.kind == LetterKind::Handler && !letter.is_parked)
    );
    assert!(
        letters
            .iter()
            .all(|letter| letter.first_at <= letter.last_at)
    );
    assert!(always.last_at > always.first_at, "attempts are apart");
    let event = log
        .event_of(always)
        .await
        .expect("a look")
        .expect("it is there");
    assert_eq!((event.stream_id, event.event_id), (ids[0], always.event_id));

    // One is discarded, those with a fingerprint are replayed, then the rest.
    let gone = log
        .discard(&Which::One(for_good.id), &[])
        .await
        .expect("a discard");
    assert_eq!(gone.discarded, 1);
    worker.is_mended.store(true, Ordering::SeqCst);
    let fingerprint = Which::matching(LetterFilter {
        fingerprint: always.fingerprint.clone(),
        ..LetterFilter::default()
    });
    let two = Replayed {
        replayed: 2,
        left: 0,
        has_more: false,
    };
    let (one, other) = tokio::join!(log.replay(&fingerprint, &[]), log.replay(&fingerprint, &[]));
    let replayed =
        one.expect("a replay").replayed + other.expect("a replay at the same time").replayed;
    assert_eq!(replayed, two.replayed, "by one of the two");
    world
        .await_deliveries("failing", &[("done", 23), ("dead", 1), ("discarded", 1)])
        .await;
    assert_eq!(
        log.replay(&fingerprint, &[]).await.expect("a replay"),
        Replayed::default()
    );
    let rest = log.replay(&Which::all(), &[]).await.expect("a replay");
    assert_eq!(rest.replayed, 1);
    world
        .await_deliveries("failing", &[("done", 24), ("dead", 0)])
        .await;
    running.stop().await;
    let mut effects = world.effects("failing").await;
    effects.dedup();
    assert_eq!(effects.len(), 24, "each once");
    let again: Vec<_> = worker.attempt_numbers().into_iter().rev().take(3).collect();
    assert_eq!(again, [1, 1, 1], "attempts are forgotten by a replay");
    assert_eq!(
        log.count_dead_letters(&LetterFilter::default())
            .await
            .expect("a count"),
        0
    );
}

async fn a_discard_is_for_good(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let worker = Worker {
        policy: quickly(1),
        ..Worker::new("futile", "any")
    };
    let running = Running::start(&log, vec![worker.arc()], "any");
    ask(&log, "JobAsked", vec![Todo::FailAlways; 5]).await;
    world.await_deliveries("futile", &[("dead", 5)]).await;
    worker.is_mended.store(true, Ordering::SeqCst);
    // The oldest of what the filter selects, as many as are wanted, and nothing that it does not select.
    let of = |consumer: &str, stream: Option<(String, Uuid)>| LetterFilter {
        consumer: Some(consumer.to_owned()),
        stream,
        ..LetterFilter::default()
    };
    let given_up = letters(&log).await;
    let stream = |at: usize| (given_up[at].stream.clone(), given_up[at].stream_id);
    let other_kind = ("another".to_owned(), given_up[4].stream_id);
    for (filter, most, gone, has_more) in [
        (of("futile", None), 2, 2, true),
        (of("another", None), 2, 0, false),
        (of("futile", Some(other_kind)), 2, 0, false),
        (of("futile", Some(stream(4))), 2, 1, false),
        (of("futile", Some(stream(4))), 0, 0, false),
    ] {
        let which = Which::Matching { filter, most };
        let done = log.discard(&which, &[]).await.expect("a discard");
        assert_eq!(
            (done.discarded, done.has_more),
            (gone, has_more),
            "{which:?}"
        );
    }
    let left: Vec<_> = letters(&log).await.into_iter().map(|it| it.id).collect();
    assert_eq!(left, [given_up[2].id, given_up[3].id]);
    let done = log.discard(&Which::all(), &[]).await.expect("a discard");
    assert_eq!((done.discarded, done.replayed, done.left), (2, 0, 0));
    ask(&log, "JobAsked", vec![Todo::Succeed]).await;
    world
        .await_deliveries("futile", &[("done", 1), ("discarded", 5)])
        .await;
    running.stop().await;
    assert_eq!(worker.attempt_numbers(), [1; 6]);
    let removed = events::remove_ended_deliveries(&world.database, Duration::ZERO).await;
    assert_eq!(removed.expect("a cleaning"), 6);
}

pub(crate) async fn letters(log: &events::EventLog) -> Vec<DeadLetter> {
    let range = LetterRange {
        limit: 1_000,
        ..LetterRange::default()
    };
    let letters = log.dead_letters(&LetterFilter::default(), &range).await;
    letters.expect("letters")
}

both_ways!(
    attempts_are_counted_across_processes,
    a_delayed_retry_survives_a_restart,
    what_fails_for_good_ends_in_the_dead_letters,
    a_discard_is_for_good,
);
