//! How current the tail of a process is known to be. A look at the log's head that began at a time shows everything that
//! was committed before it; once the tail has reached that head, the process has seen all of it. The pump looks at least
//! every poll interval, so the age stays small for as long as the log can be read and events arrive.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

pub(crate) struct Currency(Mutex<State>);

struct State {
    /// Everything committed before this has been seen.
    seen: Instant,
    /// The head that was found by a look, and when that began.
    looked: Option<(u64, Instant)>,
}

impl Currency {
    /// Of a tail that starts at the head, just read.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            seen: Instant::now(),
            looked: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The head was found at `head`. A look before it that is not reached yet stays: under a steady stream of events
    /// each head is passed a moment after the next one is found.
    pub(crate) fn look(&self, head: u64, began: Instant) {
        self.state().looked.get_or_insert((head, began));
    }

    /// The tail has come to `position`.
    pub(crate) fn settle(&self, position: u64) {
        let mut state = self.state();
        if let Some((_, began)) = state.looked.take_if(|(head, _)| *head <= position) {
            state.seen = began;
        }
    }

    /// The tail starts over: no head found before means anything to it.
    pub(crate) fn restart(&self) {
        self.state().looked = None;
    }

    /// How long ago what is not seen yet may have been committed.
    pub(crate) fn age(&self) -> Duration {
        self.age_at(Instant::now())
    }

    fn age_at(&self, now: Instant) -> Duration {
        now.duration_since(self.state().seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_counts_from_its_beginning_once_the_tail_is_there() {
        let currency = Currency::new();
        let start = currency.state().seen;
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
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
}
