//! Limits how many tests run at once: three for each core, as most of them wait most of the time. A test that measures time, or
//! needs the whole machine for its load, runs alone, when no other is waiting. `setup::run` takes the places.

use parking_lot::{Condvar, Mutex, MutexGuard};

/// The number of concurrent tests for each core.
const PER_CORE: usize = 3;

struct State {
    running: usize,
    /// The tests that wait for a place beside others.
    waiting: usize,
    is_alone: bool,
}

static STATE: Mutex<State> = Mutex::new(State {
    running: 0,
    waiting: 0,
    is_alone: false,
});
static CHANGED: Condvar = Condvar::new();

fn state() -> MutexGuard<'static, State> {
    STATE.lock()
}

/// Held while a test runs.
pub(crate) struct Place;

impl Place {
    /// Waits for one of several places.
    pub(crate) fn among_others() -> Self {
        let places = PER_CORE * std::thread::available_parallelism().map_or(2, usize::from);
        let mut state = state();
        state.waiting += 1;
        CHANGED.wait_while(&mut state, |state| {
            state.is_alone || state.running >= places
        });
        state.waiting -= 1;
        state.running += 1;
        Self
    }

    /// Waits until this test is the only one.
    pub(crate) fn alone() -> Self {
        let mut state = state();
        CHANGED.wait_while(&mut state, |state| {
            state.is_alone || state.running > 0 || state.waiting > 0
        });
        state.is_alone = true;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = state();
        if state.is_alone {
            state.is_alone = false;
        } else {
            state.running -= 1;
        }
        CHANGED.notify_all();
    }
}
