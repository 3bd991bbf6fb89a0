//! A search of everything that can happen, within small bounds, to a log that may lose its last commits: two processes with tails,
//! a stream in Redis, a client that moves between them, a follower that both run, and folds that both cache. The product's code
//! decides; the rest is the smallest possible world. In no state may a client have gone on across a loss without being told, or a
//! fold or a read model have events that the log lacks, and from every state everything must reach the head.

mod database;
mod world;

use std::collections::{HashSet, VecDeque};

use world::{Action, World};

/// The number of steps in a run.
const DEPTH: usize = 8;
/// The same for the longer searches, in `make test-long`.
const LONG_DEPTH: usize = 10;

/// Tries everything that can happen in `depth` steps from `begin`, shortest first; returns the number of states, and the way to a
/// fault.
fn search(begin: &World, depth: usize) -> (usize, Option<(&'static str, Vec<Action>)>) {
    let mut known = HashSet::from([begin.clone()]);
    let mut waiting = VecDeque::from([(begin.clone(), Vec::new())]);
    while let Some((world, way)) = waiting.pop_front() {
        if let Some(fault) = world.fault() {
            return (known.len(), Some((fault, way)));
        }
        if way.len() == depth {
            continue;
        }
        for action in world.actions() {
            let mut next = world.clone();
            next.act(action);
            if known.insert(next.clone()) {
                let mut way = way.clone();
                way.push(action);
                waiting.push_back((next, way));
            }
        }
    }
    (known.len(), None)
}

/// Returns the number of states.
fn expect_no_fault(begun: &[Action], depth: usize) -> usize {
    let mut begin = World::new();
    for action in begun {
        begin.act(*action);
    }
    let (states, found) = search(&begin, depth);
    if let Some((fault, way)) = found {
        panic!("{fault}, after {begun:?} and {way:?}");
    }
    states
}

#[test]
fn nothing_goes_on_across_a_loss_and_nothing_stands_still() {
    let is_long = std::env::var_os("TEST_LONG").is_some();
    let states = expect_no_fault(&[], if is_long { LONG_DEPTH } else { DEPTH });
    assert!(states > 10_000, "{states} states are few");
}

/// An event in Redis may be lost before the process that serves the client has received it.
#[test]
fn nothing_of_what_is_lost_is_heard_behind_what_came_in_its_place() {
    use Action::{Pump, Relay, Resume, Write};
    let begun = [Resume(1), Write, Write, Pump(0), Relay(0), Relay(0)];
    let states = expect_no_fault(&begun, DEPTH - 2);
    assert!(states > 1_000, "{states} states are few");
}
