//! When a task looks at the database for work of which nobody tells it. Such work comes with events, or after them: a request, a
//! delivery, a deadline. So a task looks often while events come, and less and less often when none do. What becomes due by time alone
//! is for the task to say, or waits for the longest pause.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::EventLog;

/// The longest pause.
const CALM: Duration = Duration::from_secs(5);

/// The pauses between the looks of one task.
pub struct Looks {
    changes: watch::Receiver<u64>,
    /// Whether events have come since the last look.
    has_moved: bool,
    least: Duration,
    pause: Duration,
    looked_at: Instant,
}

impl Looks {
    /// The first look is due now.
    pub fn new(log: &EventLog) -> Self {
        Self {
            changes: log.tail().changes(),
            has_moved: false,
            least: Duration::ZERO,
            pause: Duration::ZERO,
            looked_at: Instant::now(),
        }
    }

    /// Records a look that begins now. The next one is due after `least` if events came before it, as what they bring may be a moment
    /// behind them, or come after it; and otherwise after twice the time since the last one, but within `CALM`.
    pub fn look(&mut self, least: Duration) {
        self.listen();
        self.least = least;
        self.pause = match std::mem::take(&mut self.has_moved) {
            true => least,
            false => (2 * self.pause).clamp(least, CALM.max(least)),
        };
        self.looked_at = Instant::now();
    }

    /// Returns when the next look is due, as far as is known now.
    pub(crate) fn due(&mut self) -> Instant {
        self.listen();
        self.looked_at + self.pause
    }

    /// Waits until the next look is due, which it is at `until` at the latest.
    pub async fn wait(&mut self, until: Option<Instant>) {
        loop {
            let due = self.due();
            let at = until.map_or(due, |until| until.min(due));
            tokio::select! {
                () = sleep_until(at) => return,
                changed = self.changes.changed(), if !self.has_moved => match changed {
                    Ok(()) => self.moved(),
                    Err(_) => return sleep_until(at).await,
                },
            }
        }
    }

    fn listen(&mut self) {
        if self.changes.has_changed().unwrap_or(false) {
            self.changes.mark_unchanged();
            self.moved();
        }
    }

    fn moved(&mut self) {
        self.has_moved = true;
        self.pause = self.least;
    }
}
