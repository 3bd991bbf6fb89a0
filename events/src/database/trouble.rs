//! Whether the database could not be worked with when that was tried last. That is noted by every connection, and cleared by a
//! commit that was answered; so it lasts as long as what is wrong does. Asked by `Database::check`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// It is told at most this often: a database may work for some and not for others.
const TOLD_INTERVAL: Duration = Duration::from_secs(10);

/// What went wrong with a database last, if it may still be wrong; shared by all its connections.
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
            tracing::warn!(reason, "the database cannot be worked with: {reason}");
            state.told = Some(Instant::now());
        }
        state.is_noted = true;
    }

    /// Something was written.
    pub(super) fn clear(&self) {
        self.0.lock().is_noted = false;
    }

    pub(super) fn is_noted(&self) -> bool {
        self.0.lock().is_noted
    }
}
