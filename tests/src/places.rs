//! Limits how many tests run at once: three for each core, as most of them wait most of the time. Tests with a browser, which need
//! much of the machine, run in pairs when no other is waiting. A test that measures time, or needs the whole machine for its load,
//! runs alone, when all others have run. `setup::run` takes the places.

use parking_lot::{Condvar, Mutex};

/// The number of concurrent tests for each core.
const PER_CORE: usize = 3;
/// The number of tests with a browser at once.
const BROWSERS: usize = 2;

/// What a test needs of the machine.
#[derive(Clone, Copy)]
pub(crate) enum Share {
    AmongOthers,
    Browser,
    Alone,
}

/// The tests that run and that wait, by their share.
struct State {
    running: [usize; 3],
    waiting: [usize; 3],
}

static STATE: Mutex<State> = Mutex::new(State {
    running: [0; 3],
    waiting: [0; 3],
});
static CHANGED: Condvar = Condvar::new();

impl State {
    /// Returns whether there is a place: tests of other shares do not run, and none waits that goes first.
    fn has_place(&self, share: Share) -> bool {
        let most = match share {
            Share::AmongOthers => {
                PER_CORE * std::thread::available_parallelism().map_or(2, usize::from)
            }
            Share::Browser => BROWSERS,
            Share::Alone => 1,
        };
        let own = share as usize;
        let are_others_running = (0..3).any(|other| other != own && self.running[other] > 0);
        let waiting_first: usize = self.waiting[..own].iter().sum();
        !are_others_running && waiting_first == 0 && self.running[own] < most
    }
}

/// Held while a test runs.
pub(crate) struct Place(Share);

impl Place {
    /// Waits for a place.
    pub(crate) fn take(share: Share) -> Self {
        let mut state = STATE.lock();
        state.waiting[share as usize] += 1;
        CHANGED.wait_while(&mut state, |state| !state.has_place(share));
        state.waiting[share as usize] -= 1;
        state.running[share as usize] += 1;
        Self(share)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        STATE.lock().running[self.0 as usize] -= 1;
        CHANGED.notify_all();
    }
}
