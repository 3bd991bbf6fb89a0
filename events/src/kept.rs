//! How much of the log Redis retains. Its readers are tails, which find anything missing in the log, so any bound is correct.
//! Streams are trimmed behind the slowest follower, which is where a tail that serves it may start. But however far behind a
//! follower is, no more than these bounds is retained, or Redis would hold events that nobody reads there. Called by the relay.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Positions retained behind the head, for gateways that reconnect.
pub(crate) const LEAST_POSITIONS: u64 = 10_000;
/// The most positions retained for the slowest follower.
pub(crate) const MOST_POSITIONS: u64 = 100_000;
/// The most event data retained, in bytes.
const MOST_BYTES: u64 = 64 << 20;
/// The longest time that events are retained.
const LONGEST: Duration = Duration::from_secs(3600);
/// Events closer together than this are counted as one batch.
const GRAIN: Duration = Duration::from_secs(1);

struct Sample {
    /// The position of the last of the events.
    position: u64,
    began: Instant,
    bytes: u64,
}

/// The batches relayed lately.
#[derive(Default)]
pub(crate) struct Kept {
    samples: VecDeque<Sample>,
    bytes: u64,
    gone: u64,
}

impl Kept {
    /// Notes that events up to `position` were relayed.
    pub(crate) fn note(&mut self, position: u64, bytes: u64, now: Instant) {
        self.bytes += bytes;
        match self.samples.back_mut() {
            Some(last)
                if now.duration_since(last.began) < GRAIN && last.bytes < MOST_BYTES / 64 =>
            {
                last.position = position;
                last.bytes += bytes;
            }
            _ => self.samples.push_back(Sample {
                position,
                began: now,
                bytes,
            }),
        }
    }

    /// Returns the position up to which nothing is retained, even for readers that are not that far; the head is at `reached`.
    pub(crate) fn gone(&mut self, reached: u64, now: Instant) -> u64 {
        while let Some(oldest) = self.samples.front()
            && (self.bytes > MOST_BYTES || now.duration_since(oldest.began) > LONGEST)
        {
            self.bytes -= oldest.bytes;
            self.gone = oldest.position;
            self.samples.pop_front();
        }
        self.gone.max(reached.saturating_sub(MOST_POSITIONS))
    }

    /// Clears everything: a past epoch means nothing.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_bounds() {
        let (mut kept, start) = (Kept::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 1..=100 {
            kept.note(second * 10, 1 << 20, at(second));
        }
        assert_eq!(kept.gone(1_000, at(100)), 360, "64 MiB are kept");
        assert_eq!(kept.gone(1_000, at(3_660)), 590, "for an hour");
        assert_eq!(kept.gone(1_000_000, at(3_660)), 900_000);
        assert_eq!(kept.gone(1_000, at(10_000)), 1_000);
        kept.clear();
        assert_eq!(kept.gone(1_000, at(10_000)), 0);
    }

    #[test]
    fn what_comes_together_is_taken_together() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        for position in 1..=10_000 {
            kept.note(position, 300, now);
        }
        assert!(kept.samples.len() <= 4, "{}", kept.samples.len());
    }
}
