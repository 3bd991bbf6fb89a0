//! Whatever is asked for, in any order, pages return the events of the log; and readers side by side read each page once.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::{Error, kit};

/// A log of `events` events, of which the first `pruned` are gone, and a count of the reads.
struct Log {
    events: u64,
    pruned: u64,
    reads: AtomicU64,
}

impl Log {
    fn new(events: u64, pruned: u64) -> Self {
        Self {
            events,
            pruned,
            reads: AtomicU64::new(0),
        }
    }

    async fn read(&self, after: u64, until: u64, limit: u64) -> Result<Vec<Event>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        let first = after.max(self.pruned) + 1;
        let last = until.min(self.events);
        let positions = (first..=last).take(limit as usize);
        Ok(positions
            .map(|position| kit::event(position, "customer", 1))
            .collect())
    }

    async fn read_through(
        &self,
        pages: &Pages,
        (after, until): (u64, u64),
        limit: u64,
    ) -> Vec<u64> {
        let load = |after, until, limit| self.read(after, until, limit);
        let events = pages.read(0, (after, until), limit, load).await;
        let events = events.expect("the log answers");
        events.iter().map(|event| event.position).collect()
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime")
}

proptest! {
    #[test]
    fn pages_give_what_the_log_has(
        events in 0_u64..3_000,
        pruned in 0_u64..1_500,
        asked in prop::collection::vec((0_u64..3_200, 0_u64..3_200, 1_u64..1_300), 1..12),
    ) {
        runtime().block_on(async {
            let log = Log::new(events, pruned.min(events));
            let pages = Pages::new();
            for (after, until, limit) in asked {
                let expected: Vec<u64> = (after.max(log.pruned) + 1..=until.min(events))
                    .take(limit as usize)
                    .collect();
                assert_eq!(log.read_through(&pages, (after, until), limit).await, expected);
            }
        });
    }
}

#[tokio::test]
async fn followers_side_by_side_read_the_log_once() {
    let log = Log::new(20 * PAGE_EVENTS, 0);
    let pages = Pages::new();
    let follow = |limit: u64| {
        let (log, pages) = (&log, &pages);
        async move {
            let mut reached = 0;
            while reached < log.events {
                let batch = log.read_through(pages, (reached, log.events), limit).await;
                assert_eq!(batch[0], reached + 1);
                reached = batch[batch.len() - 1];
            }
        }
    };
    tokio::join!(follow(500), follow(500), follow(130), follow(2_000));
    assert_eq!(log.reads(), 20);
}

#[tokio::test]
async fn what_was_read_before_the_tail_forgot_is_not_found_again() {
    let log = Log::new(PAGE_EVENTS, 0);
    let pages = Pages::new();
    for age in [0, 0, 1, 1] {
        let load = |after, until, limit| log.read(after, until, limit);
        let events = pages.read(age, (0, PAGE_EVENTS), 1, load).await;
        assert_eq!(events.expect("events").len(), 1);
    }
    assert_eq!(log.reads(), 2);
}

#[tokio::test]
async fn a_failure_is_told_and_not_kept() {
    let log = Log::new(PAGE_EVENTS, 0);
    let pages = Pages::new();
    let refuse = |_, _, _| async { Err(Error::Task("the database is away".to_owned())) };
    let failed = pages.read(0, (0, PAGE_EVENTS), 1, refuse).await;
    assert!(matches!(failed, Err(Error::Task(_))));
    assert_eq!(log.read_through(&pages, (0, PAGE_EVENTS), 2).await, [1, 2]);
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let log = Log::new(2_000 * PAGE_EVENTS, 0);
    let pages = Pages::new();
    let mut reached = 0;
    while reached < log.events {
        let batch = log.read_through(&pages, (reached, log.events), PAGE_EVENTS);
        reached = *batch.await.last().expect("events");
    }
    pages.tidy().await;
    let kept = pages.read.weighted_size();
    assert!(kept > MAX_BYTES / 2 && kept <= MAX_BYTES, "{kept}");
}
