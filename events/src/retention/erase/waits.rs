//! Erasures that cannot go on: the archive's disk is full, Redis is away, a follower does not move. Each is left alone for a while, by
//! all processes, and longer each time, as an attempt may read a whole archive.

use std::{collections::HashMap, time::Duration};

use uuid::Uuid;

use crate::backoff::Backoff;

/// The first pause, which is enough for most of what an erasure waits for.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The erasures that this process could not advance, and how often in a row.
#[derive(Debug, Default)]
pub struct ErasureWaits(HashMap<Uuid, Backoff>);

impl ErasureWaits {
    /// Returns how long to leave the erasure alone, because of `what`.
    pub(super) fn pause(&mut self, subject: Uuid, what: &str) -> Duration {
        let backoff = self.0.entry(subject);
        let backoff = backoff.or_insert(Backoff::new(FIRST_PAUSE, LONGEST_PAUSE));
        let failures = backoff.fail();
        match failures {
            1 => tracing::info!("an erasure waits: {what}"),
            _ if backoff.is_telling() => tracing::warn!(failures, "an erasure waits: {what}"),
            _ => {}
        }
        backoff.pause()
    }

    /// Forgets an erasure that was advanced.
    pub(super) fn end(&mut self, subject: Uuid) {
        self.0.remove(&subject);
    }
}
