//! What is written when connections come and go in any order, and how many there are.

use std::time::Duration;

use uuid::Uuid;

use super::*;

const GRACE: Duration = Duration::from_secs(5);

fn setup() -> (Local, UserId, Instant, DateTime<Utc>) {
    (
        Local::default(),
        UserId::from_uuid(Uuid::from_u128(1)),
        Instant::now(),
        ::events::now(),
    )
}

fn arrival(user_id: UserId, sockets: usize) -> Option<Changes> {
    Some(Changes {
        arrivals: vec![Count { user_id, sockets }],
        ..Changes::default()
    })
}

fn departure(user_id: UserId, seen_at: DateTime<Utc>) -> Option<Changes> {
    Some(Changes {
        departures: vec![Departure { user_id, seen_at }],
        ..Changes::default()
    })
}

fn write(local: &mut Local, now: Instant) -> Option<Changes> {
    let changes = local.pick(now);
    if let Some(changes) = &changes {
        local.written(changes);
    }
    changes
}

#[test]
fn the_last_connection_counts_and_the_grace_is_kept() {
    let (mut local, user, now, at) = setup();
    assert!(local.enter(user));
    assert!(!local.enter(user));
    assert_eq!(write(&mut local, now), arrival(user, 2));
    assert!(!local.leave(user, now + GRACE, at));
    assert_eq!(local.next_due(), None);
    assert!(local.leave(user, now + GRACE, at));
    assert_eq!(write(&mut local, now), None);
    assert!(!local.enter(user), "back within the grace");
    assert_eq!(write(&mut local, now + GRACE), None);
    local.leave(user, now + 2 * GRACE, at);
    assert_eq!(write(&mut local, now + 2 * GRACE), departure(user, at));
    assert!(local.is_empty() && local.next_due().is_none());
}

#[test]
fn who_comes_back_while_their_departure_is_written_is_entered_again() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    write(&mut local, now);
    local.leave(user, now, at);
    let changes = local.pick(now).expect("a departure");
    assert!(!local.enter(user));
    local.written(&changes);
    assert_eq!(write(&mut local, now), arrival(user, 1));
}

#[test]
fn who_came_and_went_before_it_was_written_leaves_nothing() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    local.leave(user, now, at);
    assert_eq!(local.pick(now), None);
    assert!(local.is_empty() && local.arrived.is_empty() && local.leaving.is_empty());
}

#[test]
fn what_may_have_been_written_is_written_again() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    assert_eq!(local.pick(now), arrival(user, 1), "its answer is lost");
    local.leave(user, now, at);
    local.unpick(&Changes::default());
    assert_eq!(write(&mut local, now), arrival(user, 1));
    assert_eq!(local.pick(now), departure(user, at), "its answer, too");
    assert!(!local.enter(user));
    assert_eq!(write(&mut local, now), departure(user, at));
    assert_eq!(write(&mut local, now), arrival(user, 1));
    assert_eq!(local.pick(now), None);
}

#[test]
fn what_was_certainly_not_written_is_decided_anew() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    let picked = local.pick(now).expect("an arrival");
    local.unpick(&picked);
    local.leave(user, now, at);
    assert_eq!(local.pick(now), None);
    assert!(local.is_empty());
}

/// What a renewal writes: numbers by user.
fn recount(local: &mut Local, last: Option<UserId>) -> Vec<(UserId, usize)> {
    let changes = local.pick_counts(last);
    local.written(&changes);
    let counts = changes.counts.iter();
    counts.map(|count| (count.user_id, count.sockets)).collect()
}

#[test]
fn a_number_that_changed_is_written_once_at_a_renewal() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    assert_eq!(recount(&mut local, None), [], "the arrival says it");
    write(&mut local, now);
    assert_eq!(recount(&mut local, None), []);
    assert!(!local.enter(user), "nothing to write at once");
    local.enter(user);
    assert_eq!(write(&mut local, now), None);
    assert_eq!(recount(&mut local, None), [(user, 3)]);
    assert_eq!(recount(&mut local, None), []);
    local.enter(user);
    local.leave(user, now, at);
    assert_eq!(recount(&mut local, None), [], "as it was");
    for _ in 0..3 {
        local.leave(user, now + GRACE, at);
    }
    assert_eq!(recount(&mut local, None), [(user, 0)], "within the grace");
    assert_eq!(write(&mut local, now + GRACE), departure(user, at));
    assert_eq!(recount(&mut local, None), []);
}

#[test]
fn a_number_that_changes_while_it_is_written_is_written_again() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    let picked = local.pick(now).expect("an arrival");
    local.enter(user);
    local.written(&picked);
    let counts = local.pick_counts(None);
    local.leave(user, now, at);
    local.written(&counts);
    assert_eq!(recount(&mut local, None), [(user, 1)]);
    local.enter(user);
    local.forget();
    assert_eq!(recount(&mut local, None), [], "the arrival says it");
    assert_eq!(write(&mut local, now), arrival(user, 2));
    local.enter(user);
    local.stop(now, at);
    assert_eq!(recount(&mut local, None), [], "the departure says it");
}

#[test]
fn a_number_whose_answer_was_lost_is_written_again_whatever_it_is() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    write(&mut local, now);
    local.enter(user);
    assert_eq!(local.pick_counts(None).counts.len(), 1);
    local.leave(user, now, at);
    assert_eq!(recount(&mut local, None), [(user, 1)], "it may be 2 there");
    assert_eq!(recount(&mut local, None), []);
}

#[test]
fn a_renewal_writes_each_number_once_in_bounded_transactions() {
    let (mut local, _, now, _) = setup();
    let users = (0..=BATCH_USERS as u128).map(|number| UserId::from_uuid(Uuid::from_u128(number)));
    let users: Vec<_> = users.collect();
    for user in &users {
        local.enter(*user);
    }
    while write(&mut local, now).is_some() {}
    for user in &users {
        local.enter(*user);
    }
    let first = recount(&mut local, None);
    assert_eq!(first.len(), BATCH_USERS);
    // One that has been written changes again, and waits for the next renewal.
    local.enter(users[0]);
    let last = first.last().map(|(user, _)| *user);
    assert_eq!(recount(&mut local, last), [(users[BATCH_USERS], 2)]);
    assert_eq!(recount(&mut local, None), [(users[0], 3)]);
}

#[test]
fn a_lost_lease_enters_everybody_again() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    write(&mut local, now);
    local.forget();
    assert_eq!(write(&mut local, now), arrival(user, 1));
    local.leave(user, now, at);
    assert_eq!(write(&mut local, now), departure(user, at));
}

#[test]
fn a_stop_waits_for_no_grace_and_lets_nobody_in() {
    let (mut local, user, now, at) = setup();
    local.enter(user);
    write(&mut local, now);
    local.stop(now, at);
    assert!(!local.is_over());
    assert_eq!(write(&mut local, now), departure(user, at));
    assert!(local.is_over());
    assert!(!local.enter(user) && local.is_over());
    assert!(!local.leave(user, now, at));
}

#[test]
fn one_transaction_has_a_bounded_number_of_users() {
    let (mut local, _, now, _) = setup();
    for number in 0..=BATCH_USERS as u128 {
        local.enter(UserId::from_uuid(Uuid::from_u128(number)));
    }
    let sizes: Vec<_> = std::iter::from_fn(|| write(&mut local, now))
        .map(|changes| changes.arrivals.len())
        .collect();
    assert_eq!(sizes, [BATCH_USERS, 1]);
}
