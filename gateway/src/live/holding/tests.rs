//! Whose room is used for what a group keeps, and how much may wait for room.

use entities::users;
use futures::FutureExt;

use super::*;
use crate::{
    document::{Documents, Typing, plan_of},
    limits::Limits,
    params::Params,
    request_id::RequestId,
};

const MIB: usize = 1 << 20;
const SDL: &str = "type Query { a: Int } type Subscription { a: Int }";

/// Room for 2 MiB of each network.
fn holdings() -> Holdings {
    Holdings::new(&SubscriptionSettings {
        max_subscriptions: 200,
        max_subscriptions_per_user: 200,
        max_subscriptions_per_address: 200,
        max_subscription_bytes: 4 * MIB,
    })
}

fn subscribe(holdings: &Holdings, network: u8) -> Arc<Holding> {
    let typing = Typing::of(SDL).expect("a schema");
    let documents = Documents::new(Limits::default(), typing, true);
    let params = Params {
        query: "subscription { a }".into(),
        ..Params::default()
    };
    let prepared = documents.prepare(params, None, &RequestId::generate());
    let request = prepared.expect("it is valid").request;
    let plan = plan_of(&request).expect("a plan");
    let caller = Caller {
        user: users::Caller::anonymous(),
        address: Some([192, 0, 2, network].into()),
        user_agent: None,
    };
    let holding = holdings.subscribe(&caller, Kind::Subscription, plan, (20, 0));
    Arc::new(holding.expect("room"))
}

/// Takes all but less than 1 KiB of a subscriber's room.
fn fill(holding: &Holding) -> Share {
    let mut all = holding.bytes.another();
    while all.grow(1024).is_ok() {}
    all
}

#[test]
fn what_a_group_keeps_is_counted_as_that_of_a_member_with_room() {
    let holdings = holdings();
    let [first, second] = [1, 2].map(|network| subscribe(&holdings, network));
    let members = Members::default();
    members.enter(&first);
    let kept = members.take(MIB).expect("the first has room");
    members.enter(&second);
    let all = fill(&first);
    let more = members.take(MIB).expect("the second has room");
    drop((kept, all));
    // The next is that of the second again, until it has no room, or has left.
    let all = fill(&second);
    assert!(members.take(MIB).is_ok(), "the first has room again");
    drop((more, all));
    drop(first);
    assert!(members.take(MIB).is_ok(), "the second is still there");
    drop(second);
    assert!(members.take(1).is_err(), "nobody is left");
    assert!(members.0.lock().is_empty());
}

#[test]
fn who_is_there_many_times_is_asked_once() {
    let holdings = holdings();
    let members = Members::default();
    let many: Vec<_> = (0..2 * MOST_ASKED)
        .map(|_| subscribe(&holdings, 1))
        .collect();
    many.iter().for_each(|one| members.enter(one));
    let other = subscribe(&holdings, 2);
    members.enter(&other);
    let _all = fill(&many[0]);
    assert!(members.take(MIB).is_ok(), "the other one has room");
}

#[test]
fn who_enters_again_and_again_is_remembered_once() {
    let holdings = holdings();
    let members = Members::default();
    let stays = subscribe(&holdings, 1);
    for _ in 0..100 {
        members.enter(&stays);
        members.enter(&subscribe(&holdings, 2));
    }
    assert!(members.0.lock().len() < 20);
}

#[tokio::test]
async fn frames_that_wait_for_room_are_few() {
    let holdings = holdings();
    let holding = subscribe(&holdings, 1);
    let all = fill(&holding);
    let frames = holding.of_frames();
    let small = frames.count(vec![0; LARGE_FRAME]).now_or_never();
    assert!(small.is_some_and(|counted| counted.is_ok()));
    let mut waiting = Vec::new();
    for _ in 0..LEAST_WAITING / MIB {
        let mut frame = Box::pin(frames.count(vec![0; MIB]));
        assert!((&mut frame).now_or_never().is_none(), "it waits");
        waiting.push(frame);
    }
    let refused = frames.count(vec![0; MIB]).now_or_never();
    assert!(refused.is_some_and(|counted| counted.is_err()));
    drop(all);
    for frame in waiting {
        drop(frame.await.expect("there is room"));
    }
    let mut all = holding.bytes.another();
    assert_eq!(all.grow(2 * MIB - 64 * 1024), Ok(()), "all is given back");
    assert_eq!(holding.waiting.another().grow(LEAST_WAITING), Ok(()));
}
