//! A poison event in a follower parks its stream, in order, and nothing else.

use std::{sync::atomic::Ordering, time::Duration};

use events::{FollowerConfig, LetterKind, pause, resume};
use tests::eventually;
use uuid::Uuid;

use crate::{
    failing::letters,
    jobs::Todo,
    model::{Applied, Following, NAME, append, append_in_turn, versions},
    world::{SOON, Way, World, both_ways},
};

/// Waits until the follower has passed all events in streams of jobs.
pub(crate) async fn await_passed(world: &World, follower: &str) {
    eventually("the follower is at the end", SOON, async || {
        has_passed(world, follower).await.then_some(())
    })
    .await;
}

pub(crate) async fn has_passed(world: &World, follower: &str) -> bool {
    let unnumbered = world
        .number(
            "select count(*) as number from event e
             where not exists (select 1 from event_position p where p.inserted = e.inserted)",
        )
        .await;
    // Events are numbered first: one that gets its number in between counts as behind.
    let behind = world
        .number(&format!(
            "select count(*) as number from event e join event_position p on p.inserted = e.inserted
             where e.stream = 'job' and p.position >
                 coalesce((select k.position from checkpoint k where k.follower = '{follower}' and k.part = e.part), 0)"
        ))
        .await;
    behind + unnumbered == 0
}

async fn poison_parks_its_stream_and_no_other(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let streams: Vec<Uuid> = (0..10).map(|_| Uuid::now_v7()).collect();
    for version in 1..=8 {
        for (number, id) in streams.iter().enumerate() {
            let todo = match (number, version) {
                (3, 4) => Todo::FailAlways,
                (7, 1) | (7, 6) => Todo::Panic,
                _ => Todo::Succeed,
            };
            append(&log, *id, version, todo).await;
        }
    }
    let follower = Applied::default();
    let following = Following::start(&log, follower.arc(), "any");
    await_passed(&world, NAME).await;
    append(&log, streams[3], 9, Todo::Succeed).await;
    append(&log, streams[4], 9, Todo::Succeed).await;
    await_passed(&world, NAME).await;
    following.stop().await;

    for (number, id) in streams.iter().enumerate() {
        let wanted: Vec<i64> = match number {
            3 => vec![1, 2, 3],
            4 => (1..=9).collect(),
            7 => Vec::new(),
            _ => (1..=8).collect(),
        };
        assert_eq!(versions(&world, *id).await, wanted, "of stream {number}");
    }
    let letters = letters(&log).await;
    assert!(
        letters
            .iter()
            .all(|letter| letter.kind == LetterKind::Follower && letter.consumer == NAME)
    );
    for (stream, wanted) in [(3, 4..=9), (7, 1..=8)] {
        let mut of_stream: Vec<_> = letters
            .iter()
            .filter(|it| it.stream_id == streams[stream])
            .collect();
        of_stream.sort_by_key(|letter| letter.position);
        let versions: Vec<i64> = of_stream.iter().map(|letter| letter.version).collect();
        assert_eq!(versions, wanted.collect::<Vec<_>>());
        let (first, behind) = of_stream.split_first().expect("letters");
        assert!(!first.is_parked && first.attempts > 1 && first.fingerprint.is_some());
        assert!(first.last_at > first.first_at);
        assert!(
            behind
                .iter()
                .all(|it| it.is_parked && it.error.is_none() && it.attempts == 0)
        );
        let error = first.error.as_deref().expect("an error");
        let said = if stream == 3 {
            "malformed a job"
        } else {
            "it panicked: as asked"
        };
        assert!(error.starts_with(said), "{error}");
    }
    assert_eq!(letters.len(), 6 + 8);
    let answers = world
        .number("select count(*) as number from event where type = 'Answered'")
        .await;
    assert_eq!(answers, 3 + 9 + 7 * 8, "what is parked is not answered");
}

/// A follower that is far behind takes ever larger transactions. One of them has a poison event, behind which its stream waits.
async fn large_batches_are_applied_once_and_in_order(way: Way) {
    const VERSIONS: usize = 100;
    let world = World::new(way).await;
    let log = world.log().await;
    let mut streams: Vec<_> = (0..14)
        .map(|_| (Uuid::now_v7(), vec![Todo::Succeed; VERSIONS]))
        .collect();
    streams[5].1[69] = Todo::FailAlways;
    append_in_turn(&log, &streams).await;
    let follower = Applied::default();
    let config = FollowerConfig {
        owner: "any".to_owned(),
        lease: Duration::from_secs(60),
        batch_events: 1_000,
    };
    let following = Following::configured(&log, follower.arc(), config);
    await_passed(&world, NAME).await;
    following.stop().await;

    for (number, (id, _)) in streams.iter().enumerate() {
        let last = if number == 5 { 69 } else { VERSIONS as i64 };
        let wanted: Vec<i64> = (1..=last).collect();
        assert_eq!(versions(&world, *id).await, wanted, "of stream {number}");
    }
    let letters = letters(&log).await;
    let held: Vec<_> = letters
        .iter()
        .map(|it| (it.version, it.is_parked))
        .collect();
    let wanted: Vec<_> = (70..=100).map(|version| (version, version > 70)).collect();
    assert_eq!(held, wanted, "letters, in the order of their ids");
    assert!(letters.iter().all(|it| it.stream_id == streams[5].0));
    let answers = "select count(*) as number from event where type = 'Answered'";
    assert_eq!(world.number(answers).await, 13 * 100 + 69);
}

/// The event is not to blame: it is tried until it succeeds.
async fn an_outage_parks_nothing(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let follower = Applied::default();
    // This is more often than an event may fail on its own.
    follower.outages.store(6, Ordering::SeqCst);
    let id = Uuid::now_v7();
    append(&log, id, 1, Todo::Succeed).await;
    let following = Following::start(&log, follower.arc(), "any");
    await_passed(&world, NAME).await;
    following.stop().await;
    assert_eq!(versions(&world, id).await, [1]);
    assert_eq!(letters(&log).await.len(), 0);
    assert_eq!(follower.calls.load(Ordering::SeqCst), 7);
}

async fn a_paused_follower_keeps_its_place(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let (follower, id) = (Applied::default(), Uuid::now_v7());
    let writer = world.database.writer();
    pause(writer, NAME, "somebody").await.expect("a pause");
    let following = Following::start(&log, follower.arc(), "any");
    append(&log, id, 1, Todo::Succeed).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(versions(&world, id).await, Vec::<i64>::new());
    let held =
        "select count(*) as number from checkpoint where follower = 'applied' and owner = 'any'";
    assert_eq!(world.number(held).await, 16, "it keeps its leases");
    resume(writer, NAME).await.expect("it goes on");
    await_passed(&world, NAME).await;
    assert_eq!(versions(&world, id).await, [1]);
    following.stop().await;
}

both_ways!(
    poison_parks_its_stream_and_no_other,
    large_batches_are_applied_once_and_in_order,
    an_outage_parks_nothing,
    a_paused_follower_keeps_its_place,
);
