//! Whether the last attempt to work with the database failed. Every connection records failures, and a commit that was answered
//! clears them, so the state lasts as long as the trouble does. Asked by `Database::check`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// The shortest time between two log lines: a database may work for some connections and not for others.
const TOLD_INTERVAL: Duration = Duration::from_secs(10);

/// The last failure of a database, if it may still persist; shared by all its connections.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    of: Arc<str>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_noted: bool,
    told: Option<Instant>,
}

impl Default for Trouble {
    fn default() -> Self {
        Self::of("the database")
    }
}

impl Trouble {
    /// No failure yet, of what the log calls so.
    pub(super) fn of(name: &str) -> Self {
        Self {
            of: name.into(),
            state: Arc::default(),
        }
    }

    pub(super) fn note(&self, reason: &str) {
        let mut state = self.state.lock();
        if state.told.is_none_or(|told| told.elapsed() > TOLD_INTERVAL) {
            tracing::warn!(reason, "{} cannot be used: {reason}", self.of);
            state.told = Some(Instant::now());
        }
        state.is_noted = true;
    }

    /// Clears the failure, because something was written.
    pub(super) fn clear(&self) {
        self.state.lock().is_noted = false;
    }

    pub(super) fn is_noted(&self) -> bool {
        self.state.lock().is_noted
    }
}
