//! How current the tail of a process is. A look at the log's head that began at some time shows everything committed before it;
//! once the tail has reached that head, the process has seen all of it. The pump looks at least once a second, or once in every poll
//! interval if that is longer, so the age stays small as long as the log can be read and events arrive. When it grows, the reason can
//! be asked for: a process that is stuck behind its log must not look like a healthy one.

use std::{fmt, time::Duration};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::Moment;

/// Why a process does not show everything that the log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BehindBecause {
    /// No look at the log has been answered.
    Unread,
    /// Looks are answered and show more events, but the tail does not move.
    Standing,
    /// The tail moves, but has not reached the head that was found.
    CatchingUp,
}

/// A process that does not show everything that the log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// How long ago the events it lacks may have been committed.
    pub age: Duration,
    /// The position it has handed on.
    pub position: u64,
    /// The head of the log that was found last.
    pub head: u64,
    /// The reason.
    pub because: BehindBecause,
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, head, .. } = self;
        let age = self.age.as_secs();
        match self.because {
            BehindBecause::Unread => write!(f, "the log has not been read for {age} s"),
            BehindBecause::Standing => write!(
                f,
                "the tail stands at {position} while the log is at {head}, {age} s behind"
            ),
            BehindBecause::CatchingUp => write!(
                f,
                "the tail is at {position} while the log is at {head}, {age} s behind"
            ),
        }
    }
}

pub(crate) struct Currency {
    state: Mutex<State>,
    /// Notified when more has been seen.
    settled: Notify,
}

struct State {
    /// Everything committed before this time has been seen.
    seen: Moment,
    /// The head that a look found, and when that look began.
    looked: Option<(u64, Moment)>,
    /// The newest head found, and when it was found.
    head: (u64, Moment),
    /// The position of the tail, and since when it is there.
    reached: (u64, Moment),
}

impl Currency {
    /// Starts with a tail at the head, which has just been read.
    pub(crate) fn new() -> Self {
        let now = Moment::now();
        let state = State {
            seen: now,
            looked: None,
            head: (0, now),
            reached: (0, now),
        };
        Self {
            state: Mutex::new(state),
            settled: Notify::new(),
        }
    }

    /// Records a look that found the head at `head`. An earlier look whose head has not been reached yet is kept: under a steady
    /// stream of events each head is passed a moment after the next one is found.
    pub(crate) fn look(&self, head: u64, began: Moment) {
        let mut state = self.state.lock();
        state.looked.get_or_insert((head, began));
        state.head = (head, began);
    }

    /// Records that the tail has reached `position`.
    pub(crate) fn settle(&self, position: u64) {
        self.settle_at(position, Moment::now());
    }

    fn settle_at(&self, position: u64, now: Moment) {
        let mut state = self.state.lock();
        if let Some((_, began)) = state.looked.take_if(|(head, _)| *head <= position) {
            // The newest look may have been reached with it, or is the next to be.
            let newest = state.head;
            state.seen = if newest.0 <= position {
                newest.1
            } else {
                began
            };
            state.looked = (newest.0 > position).then_some(newest);
            self.settled.notify_waiters();
        }
        // A tail at the head has no reason to move.
        if state.reached.0 != position || state.head.0 <= position {
            state.reached = (position, now);
        }
    }

    /// Starts over with the tail: no head found before means anything to it.
    pub(crate) fn restart(&self) {
        self.state.lock().looked = None;
    }

    /// Waits until everything committed before `at` has been seen.
    pub(crate) async fn seen_since(&self, at: Moment) {
        loop {
            // It hears of everything from here on.
            let settled = self.settled.notified();
            if self.state.lock().seen >= at {
                return;
            }
            settled.await;
        }
    }

    /// Returns how long ago events that are not seen yet may have been committed.
    pub(crate) fn age(&self) -> Duration {
        self.age_at(Moment::now())
    }

    fn age_at(&self, now: Moment) -> Duration {
        now.since(self.state.lock().seen)
    }

    /// Returns the reason when events committed more than `limit` ago may not have been seen.
    pub(crate) fn behind(&self, limit: Duration) -> Option<Behind> {
        self.behind_at(limit, Moment::now())
    }

    fn behind_at(&self, limit: Duration, now: Moment) -> Option<Behind> {
        let state = self.state.lock();
        let age = now.since(state.seen);
        let since = |at: Moment| now.since(at);
        let because = if age <= limit {
            return None;
        } else if since(state.head.1) > limit {
            BehindBecause::Unread
        } else if since(state.reached.1) > limit {
            BehindBecause::Standing
        } else {
            BehindBecause::CatchingUp
        };
        Some(Behind {
            age,
            position: state.reached.0,
            head: state.head.0,
            because,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_counts_from_its_beginning_once_the_tail_is_there() {
        let currency = Currency::new();
        let start = currency.state.lock().seen;
        let at = |milliseconds| start.later(Duration::from_millis(milliseconds), Duration::ZERO);
        let age = |milliseconds| currency.age_at(at(milliseconds)).as_millis();
        currency.look(7, at(100));
        currency.settle(6);
        assert_eq!(age(150), 150);
        currency.look(9, at(150));
        currency.settle(7);
        assert_eq!(age(150), 50, "of the look that found what the tail has");
        currency.look(9, at(160));
        currency.settle(9);
        assert_eq!(age(160), 0);
        currency.look(1_000, at(170));
        currency.restart();
        currency.look(3, at(180));
        currency.settle(3);
        assert_eq!(age(180), 0, "a head of the time before means nothing");
    }

    #[test]
    fn what_was_seen_before_the_machine_slept_is_old() {
        let currency = Currency::new();
        let start = currency.state.lock().seen;
        let asked = start.later(Duration::from_millis(10), Duration::ZERO);
        currency.look(7, asked);
        currency.settle(7);
        let hour = Duration::from_secs(3_600);
        let resumed = asked.later(Duration::from_millis(5), hour);
        assert_eq!(
            currency.age_at(resumed),
            hour + Duration::from_millis(5),
            "also of a look that was answered before"
        );
        let limit = Duration::from_secs(2);
        assert!(currency.behind_at(limit, resumed).is_some());
        currency.look(7, resumed);
        currency.settle_at(7, resumed);
        assert_eq!(currency.age_at(resumed), Duration::ZERO);
    }

    #[tokio::test]
    async fn who_waits_hears_of_the_first_look_that_began_later() {
        let currency = Currency::new();
        let before = Moment::now();
        let asked = before.later(Duration::from_millis(1), Duration::ZERO);
        let mut waiting = std::pin::pin!(currency.seen_since(asked));
        currency.look(7, before);
        currency.settle(7);
        assert!(
            futures::poll!(&mut waiting).is_pending(),
            "of an earlier look"
        );
        currency.look(9, asked);
        currency.settle(8);
        assert!(futures::poll!(&mut waiting).is_pending(), "of a head ahead");
        currency.settle(9);
        waiting.await;
    }

    #[tokio::test]
    async fn the_newest_look_counts_when_its_head_is_reached() {
        let currency = Currency::new();
        let later = |moment: Moment| moment.later(Duration::from_millis(1), Duration::ZERO);
        let first = Moment::now();
        currency.look(5, first);
        // The events of the first come some other way, after the next look has begun.
        let second = later(first);
        currency.look(5, second);
        currency.settle(5);
        currency.seen_since(second).await;
        let third = later(second);
        currency.look(6, third);
        let fourth = later(third);
        currency.look(8, fourth);
        currency.settle(7);
        currency.seen_since(third).await;
        currency.settle(8);
        currency.seen_since(fourth).await;
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let limit = Duration::from_secs(5);
        let currency = Currency::new();
        let start = currency.state.lock().seen;
        let at = |seconds| start.later(Duration::from_secs(seconds), Duration::ZERO);
        let pass = |seconds, head, position| {
            currency.look(head, at(seconds));
            currency.settle_at(position, at(seconds));
        };
        let because = |seconds| currency.behind_at(limit, at(seconds)).map(|it| it.because);
        pass(0, 7, 7);
        assert_eq!(because(5), None);
        pass(5, 7, 7);
        assert_eq!(because(10), None, "nothing was committed");
        assert_eq!(because(11), Some(BehindBecause::Unread));
        for seconds in 11..20 {
            pass(seconds, seconds, 7);
        }
        let behind = currency.behind_at(limit, at(20)).expect("it is behind");
        assert_eq!(behind.because, BehindBecause::Standing);
        assert_eq!((behind.position, behind.head), (7, 19));
        assert_eq!(
            behind.to_string(),
            "the tail stands at 7 while the log is at 19, 15 s behind"
        );
        pass(20, 20, 8);
        assert_eq!(because(20), Some(BehindBecause::CatchingUp));
        pass(21, 20, 20);
        pass(22, 20, 20);
        assert_eq!(
            because(22),
            None,
            "by the look after the one it had to reach"
        );
    }
}
