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
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_noted: bool,
    told: Option<Instant>,
}

impl Trouble {
    pub(super) fn note(&self, reason: &str) {
        let mut state = self.0.lock();
        if state.told.is_none_or(|told| told.elapsed() > TOLD_INTERVAL) {
            tracing::warn!(reason, "the database cannot be used: {reason}");
            state.told = Some(Instant::now());
        }
        state.is_noted = true;
    }

    /// Clears the failure, because something was written.
    pub(super) fn clear(&self) {
        self.0.lock().is_noted = false;
    }

    pub(super) fn is_noted(&self) -> bool {
        self.0.lock().is_noted
    }
}
