//! Replays of a follower's letters: in order, once, even while the follower and other replays run.

use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};

use events::{Discarded, Replayed, Which};
use sea_orm::ConnectionTrait;
use tests::eventually;
use uuid::Uuid;

use crate::{
    failing::letters,
    followers::await_passed,
    jobs::Todo,
    model::{Applied, Following, NAME, append, versions},
    world::{SOON, Way, World, both_ways},
};

async fn a_replay_applies_a_stream_from_its_first_letter_on(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    for version in 1..=6 {
        let todo = if version == 2 {
            Todo::FailAlways
        } else {
            Todo::Succeed
        };
        append(&log, one, version, todo.clone()).await;
        append(&log, two, version, todo).await;
    }
    let follower = Applied::default();
    let followers = [follower.arc()];
    let following = Following::start(&log, follower.arc(), "any");
    await_passed(&world, NAME).await;

    // The cause is not fixed: they fail again, and stay in their order.
    let before = letters(&log).await;
    let again = log
        .replay(&Which::all(), &followers)
        .await
        .expect("a replay");
    assert_eq!(
        again,
        Replayed {
            replayed: 0,
            left: 10,
            has_more: false
        }
    );
    let after = letters(&log).await;
    assert_eq!(after.len(), 10);
    let attempts = |letters: &[events::DeadLetter]| -> BTreeMap<_, _> {
        letters
            .iter()
            .map(|letter| (letter.id, letter.attempts))
            .collect()
    };
    let (before, after) = (attempts(&before), attempts(&after));
    let raised = before
        .iter()
        .filter(|(id, attempts)| after[*id] == **attempts + 1)
        .count();
    assert_eq!(raised, 2, "the first of each stream was tried once more");
    let nobody = log.replay(&Which::all(), &[]).await.expect("a replay");
    assert_eq!(
        nobody,
        Replayed {
            replayed: 0,
            left: 10,
            has_more: false
        },
        "its follower is not known here"
    );

    // The cause is fixed. A waiting letter is requested, and its stream is replayed from the first on.
    follower.mend();
    let parked = letters(&log).await;
    let parked = parked
        .iter()
        .find(|it| it.stream_id == one && it.version == 5)
        .expect("a letter");
    let done = log
        .replay(&Which::One(parked.id), &followers)
        .await
        .expect("a replay");
    assert_eq!(
        done,
        Replayed {
            replayed: 5,
            left: 0,
            has_more: false
        }
    );
    assert_eq!(versions(&world, one).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(versions(&world, two).await, [1]);
    append(&log, one, 7, Todo::Succeed).await;
    append(&log, two, 7, Todo::Succeed).await;
    await_passed(&world, NAME).await;
    assert_eq!(versions(&world, one).await, [1, 2, 3, 4, 5, 6, 7]);

    // The other stream continues without the event it failed on.
    let first = letters(&log).await;
    let first = first.iter().find(|it| !it.is_parked).expect("a letter");
    let done = log
        .discard(&Which::One(first.id), &followers)
        .await
        .expect("a discard");
    assert_eq!(
        done,
        Discarded {
            discarded: 1,
            replayed: 5,
            left: 0,
            has_more: false
        }
    );
    assert_eq!(versions(&world, two).await, [1, 3, 4, 5, 6, 7]);
    assert_eq!(letters(&log).await.len(), 0);
    following.stop().await;
    let answers = world
        .number("select count(*) as number from event where type = 'Answered'")
        .await;
    assert_eq!(answers, 13, "each that was applied is answered once");
}

/// Writers continue, the follower's parts change hands, and replays race each other.
async fn replays_and_the_follower_do_not_get_in_each_others_way(way: Way) {
    const VERSIONS: i64 = 60;
    let world = World::new(way).await;
    let logs = world.logs(2).await;
    let streams: Vec<Uuid> = (0..4).map(|_| Uuid::now_v7()).collect();
    let follower = Applied::default();
    for id in &streams {
        append(&logs[0], *id, 1, Todo::FailAlways).await;
    }
    let first = Following::start(&logs[0], follower.arc(), "first");
    await_passed(&world, NAME).await;
    assert_eq!(letters(&logs[0]).await.len(), 4);
    follower.mend();
    let writer = tokio::spawn({
        let (log, streams) = (logs[0].clone(), streams.clone());
        async move {
            for version in 2..=VERSIONS {
                for id in &streams {
                    append(&log, *id, version, Todo::Succeed).await;
                }
            }
        }
    });
    let replaying: Vec<_> = logs
        .iter()
        .map(|log| {
            let (log, followers) = (log.clone(), [follower.arc()]);
            tokio::spawn(async move {
                let mut replayed = 0;
                for _ in 0..25 {
                    replayed += log
                        .replay(&Which::all(), &followers)
                        .await
                        .expect("a replay")
                        .replayed;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                replayed
            })
        })
        .collect();
    let second = Following::start(&logs[1], follower.arc(), "second");
    first.stop().await;
    writer.await.expect("the writer ends");
    let mut replayed = 0;
    for replaying in replaying {
        replayed += replaying.await.expect("the replays end");
    }
    await_passed(&world, NAME).await;
    eventually("nothing is left", SOON, async || {
        let done = logs[0]
            .replay(&Which::all(), &[follower.arc()])
            .await
            .expect("a replay");
        replayed += done.replayed;
        letters(&logs[0]).await.is_empty().then_some(())
    })
    .await;
    second.stop().await;
    assert!(replayed >= 4, "only {replayed} were replayed");
    for id in &streams {
        let wanted: Vec<i64> = (1..=VERSIONS).collect();
        assert_eq!(versions(&world, *id).await, wanted);
    }
    let answers = world
        .number("select count(*) as number from event where type = 'Answered'")
        .await;
    assert_eq!(answers, 4 * VERSIONS);
}

/// The database is away when what waited behind a discarded letter is to be applied.
async fn a_discard_that_is_interrupted_can_be_repeated(way: Way) {
    let world = World::new(way).await;
    let log = world.log().await;
    let id = Uuid::now_v7();
    append(&log, id, 1, Todo::FailAlways).await;
    append(&log, id, 2, Todo::Succeed).await;
    let follower = Applied::default();
    let followers = [follower.arc()];
    let following = Following::start(&log, follower.arc(), "any");
    await_passed(&world, NAME).await;
    let failed = letters(&log).await;
    let failed = failed.iter().find(|it| !it.is_parked).expect("a letter");
    let once = Discarded {
        discarded: 1,
        replayed: 1,
        ..Discarded::default()
    };

    follower.outages.store(1, Ordering::SeqCst);
    let which = Which::One(failed.id);
    let interrupted = log.discard(&which, &followers).await;
    interrupted.expect_err("the database is away");
    let again = log.discard(&which, &followers).await;
    assert_eq!(again.expect("a discard"), once);
    assert_eq!(letters(&log).await.len(), 0);
    append(&log, id, 3, Todo::Succeed).await;
    await_passed(&world, NAME).await;
    assert_eq!(versions(&world, id).await, [2, 3]);

    // Letters that wait behind one that is gone, as a process of an earlier version may have left them, are taken up.
    append(&log, id, 4, Todo::FailAlways).await;
    append(&log, id, 5, Todo::Succeed).await;
    await_passed(&world, NAME).await;
    let gone = "delete from dead_letter where error is not null";
    let removed = world.database.writer().execute_unprepared(gone).await;
    assert_eq!(removed.expect("it is removed").rows_affected(), 1);
    let taken_up = log.discard(&Which::all(), &followers).await;
    let expected = Discarded {
        replayed: 1,
        ..Discarded::default()
    };
    assert_eq!(taken_up.expect("a discard"), expected);
    assert_eq!(versions(&world, id).await, [2, 3, 5]);
    following.stop().await;
}

both_ways!(
    a_discard_that_is_interrupted_can_be_repeated,
    a_replay_applies_a_stream_from_its_first_letter_on,
    replays_and_the_follower_do_not_get_in_each_others_way,
);
