//! How far an answer can see. A subscriber that resumes from an answer's cursor must miss nothing that the answer does not show.
//! The tables of commands show everything that has a position; a read model shows what its follower has applied. So a value read
//! from one is wrapped in `AsOf`, with a position learnt *before* the read (tables and checkpoint commit together, so they show
//! at least that), and is only accessible by noting that position in the answer's `Horizon`, whose minimum is its cursor. Within
//! an epoch progress never falls, so a slightly old one is a lower bound, and at the tail none is needed.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{sync::Mutex as Turn, time::Instant};

use crate::{DatabaseConnection, EventLog, PARTS, Result, boxed, follower::read_checkpoint, read};

/// How long a follower's progress is reused after a look. Answers lie back by up to this much more than necessary, and a busy
/// process looks this often.
const GOOD_FOR: Duration = Duration::from_millis(20);

/// A value read from read models, and the position up to which it shows everything.
#[derive(Debug, Clone)]
#[must_use = "what it shows is to be noted in the answer's horizon"]
pub struct AsOf<T> {
    value: T,
    position: u64,
}

impl<T> AsOf<T> {
    /// Returns the value, and notes in the horizon how far the answer sees with it.
    pub fn show(self, horizon: &Horizon) -> T {
        horizon.lower(self.position);
        self.value
    }

    /// Returns the value only to decide what else to read. A value that goes into the answer is taken with `show`.
    pub fn look(&self) -> &T {
        &self.value
    }

    /// Borrows the value, to derive several from it, each of which shows as much.
    pub fn as_ref(&self) -> AsOf<&T> {
        AsOf {
            value: &self.value,
            position: self.position,
        }
    }

    /// Derives a value that shows as much.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> AsOf<U> {
        AsOf {
            value: make(self.value),
            position: self.position,
        }
    }

    /// Derives a value from two, which shows what both of them show.
    pub fn join<U, V>(self, other: AsOf<U>, make: impl FnOnce(T, U) -> V) -> AsOf<V> {
        AsOf {
            value: make(self.value, other.value),
            position: self.position.min(other.position),
        }
    }
}

/// The position up to which an answer shows everything: the minimum of those noted. Clones share it.
#[derive(Debug, Clone)]
pub struct Horizon {
    start: Option<u64>,
    least: Arc<AtomicU64>,
}

impl Default for Horizon {
    fn default() -> Self {
        Self {
            start: None,
            least: Arc::new(AtomicU64::new(u64::MAX)),
        }
    }
}

impl Horizon {
    /// Creates the horizon of a request that begins when the tail is at `start`. It sees no further, whatever it reads.
    pub fn from(start: u64) -> Self {
        Self {
            start: Some(start),
            least: Arc::new(AtomicU64::new(start)),
        }
    }

    /// Returns the position of the tail when the request began, if this is the horizon of a request.
    pub fn start(&self) -> Option<u64> {
        self.start
    }

    /// Notes that a value in the answer shows everything only up to here.
    pub fn lower(&self, position: u64) {
        self.least.fetch_min(position, Ordering::AcqRel);
    }

    /// Returns the minimum of the positions noted and `most`.
    pub fn position(&self, most: u64) -> u64 {
        self.least.load(Ordering::Acquire).min(most)
    }

    /// Returns the same as `position` for one of several answers, and starts anew for the next.
    pub fn take(&self, most: u64) -> u64 {
        self.least.swap(u64::MAX, Ordering::AcqRel).min(most)
    }
}

/// Tables of read models that are about to be read.
pub struct Model<'a> {
    connection: &'a DatabaseConnection,
    position: u64,
}

impl Model<'_> {
    /// Returns the connection to read with.
    pub fn connection(&self) -> &DatabaseConnection {
        self.connection
    }

    /// Wraps a value that was read.
    pub fn give<T>(self, value: T) -> AsOf<T> {
        AsOf {
            value,
            position: self.position,
        }
    }
}

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
        Ok(Model {
            connection: &self.database().reader,
            position,
        })
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

    fn as_of<T>(value: T, position: u64) -> AsOf<T> {
        AsOf { value, position }
    }

    #[test]
    fn an_answer_sees_as_far_as_the_least_of_what_it_shows() {
        let horizon = Horizon::from(10);
        assert_eq!(horizon.position(12), 10);
        let both = as_of(1, 8).join(as_of(2, 9), |one, two| one + two);
        assert_eq!(horizon.position(10), 10, "nothing was shown yet");
        assert_eq!(both.map(|sum| sum * 2).show(&horizon), 6);
        as_of((), 11).show(&horizon.clone());
        assert_eq!(horizon.position(10), 8);
        assert_eq!(horizon.position(7), 7);
    }

    #[test]
    fn each_of_several_answers_has_its_own() {
        let horizon = Horizon::default();
        as_of((), 3).show(&horizon);
        assert_eq!((horizon.take(5), horizon.take(6)), (3, 6));
    }

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
