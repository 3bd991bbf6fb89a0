//! How far followers have come, as a process knows it, and reading the tables they write with that in mind. Looks at checkpoints
//! are shared: within an epoch progress never falls, so a slightly old one is a lower bound, and at the tail none is needed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{sync::Mutex as Turn, time::Instant};

use crate::{EventLog, Model, PARTS, Result, boxed, follower::read_checkpoint, read};

/// How long a follower's progress is reused after a look. Answers lie back by up to this much more than necessary, and a busy
/// process looks this often.
const GOOD_FOR: Duration = Duration::from_millis(20);

/// The progress of followers, as this process knows it.
#[derive(Default)]
pub(crate) struct Horizons(Mutex<HashMap<String, Arc<Known>>>);

/// The progress of one follower. The holder of the turn looks it up, and the others use the result.
#[derive(Default)]
struct Known {
    found: Mutex<Option<Found>>,
    turn: Turn<()>,
}

#[derive(Clone, Copy)]
struct Found {
    epoch: u32,
    position: u64,
    at: Instant,
}

impl Known {
    /// Returns the progress, if it is recent, or has reached the tail, beyond which nobody sees.
    fn at_hand(&self, epoch: u32, tail: u64, now: Instant) -> Option<u64> {
        let found = self.found.lock().filter(|found| found.epoch == epoch)?;
        let is_young = now.duration_since(found.at) < GOOD_FOR;
        (found.position >= tail || is_young).then_some(found.position)
    }
}

impl Horizons {
    fn of(&self, follower: &str) -> Arc<Known> {
        let mut known = self.0.lock();
        match known.get(follower) {
            Some(known) => known.clone(),
            None => known.entry(follower.to_owned()).or_default().clone(),
        }
    }
}

/// The progress of a follower.
pub(crate) struct Progress {
    /// The sum of its checkpoints, which grows with every event applied.
    pub(crate) progress: u64,
    /// The position up to which everything is applied.
    pub(crate) position: u64,
    /// Whether it has yet to apply events that have a position.
    pub(crate) is_behind: bool,
}

impl EventLog {
    /// Returns the tables that these followers write, to be read after this call. A value read from them shows everything that each
    /// follower has applied by now, except events set aside in the dead letters, which are shown nowhere until they are replayed.
    ///
    /// # Errors
    /// When the database cannot be read.
    #[boxed]
    pub async fn read_model<'a>(&'a self, followers: &[&str]) -> Result<Model<'a>> {
        let mut position = u64::MAX;
        for follower in followers {
            position = position.min(self.shown_by(follower).await?);
        }
        Ok(Model::at(position, &self.database().queries))
    }

    /// Returns the position up to which the follower has applied everything.
    pub(crate) async fn shown_by(&self, follower: &str) -> Result<u64> {
        let known = self.shared.horizons.of(follower);
        let tail = self.tail().cursor();
        if let Some(position) = known.at_hand(tail.epoch, tail.position, Instant::now()) {
            return Ok(position);
        }
        let _turn = known.turn.lock().await;
        if let Some(position) = known.at_hand(tail.epoch, tail.position, Instant::now()) {
            return Ok(position);
        }
        Ok(self.progress(follower).await?.position)
    }

    /// Looks up the progress of a follower. The head is read first, so everything it shows as applied is applied.
    pub(crate) async fn progress(&self, follower: &str) -> Result<Progress> {
        let at = Instant::now();
        let database = &self.database().background;
        let head = read::read_head(database).await?;
        let checkpoint = read_checkpoint(database, follower).await?;
        // A part's checkpoint may be far behind the next event in it.
        let applied = |part: i16| {
            let reached = checkpoint.parts[part as usize];
            let is_known = self.tail().epoch() == head.epoch;
            let next = is_known.then(|| self.tail().first_after(part, reached));
            next.flatten()
                .map_or(reached, |next| next - 1)
                .min(head.position)
        };
        let behind = (0..PARTS)
            .filter(|part| checkpoint.parts[*part as usize] < head.parts[*part as usize])
            .map(applied)
            .min();
        let position = behind.unwrap_or(head.position);
        let known = self.shared.horizons.of(follower);
        let mut found = known.found.lock();
        if found.is_none_or(|found| found.at <= at) {
            *found = Some(Found {
                epoch: head.epoch,
                position,
                at,
            });
        }
        drop(found);
        Ok(Progress {
            progress: checkpoint.progress,
            position,
            is_behind: behind.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_at_hand_is_at_the_tail_or_young() {
        let (known, at) = (Known::default(), Instant::now());
        assert_eq!(known.at_hand(1, 0, at), None);
        *known.found.lock() = Some(Found {
            epoch: 1,
            position: 5,
            at,
        });
        assert_eq!(known.at_hand(1, 9, at), Some(5));
        let later = at + GOOD_FOR;
        assert_eq!(known.at_hand(1, 9, later), None, "it may have gone on");
        assert_eq!(known.at_hand(1, 5, later), Some(5), "nobody sees further");
        assert_eq!(known.at_hand(2, 0, at), None, "another past");
    }
}
