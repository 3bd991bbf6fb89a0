//! How far an answer can see. A subscriber that resumes from an answer's cursor must miss nothing that the answer does not
//! show. Commands' tables show all that has a position; a read model shows what its follower has applied. So what is read
//! of one is given as `AsOf`, with a position learnt *before* the reading (tables and checkpoint commit together, so they
//! show at least that), and is only to be had by noting it in the answer's `Horizon`, whose least is its cursor. Progress
//! never falls within an epoch, so one that was found a moment ago is a lower bound, and none need be found at the tail.

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

/// How long a follower's progress, once looked at, is taken for its progress. Answers are then so much further back than
/// they would have to be, and a busy process looks so often.
const GOOD_FOR: Duration = Duration::from_millis(20);

/// What was read of read models, and the position up to which it shows everything.
#[derive(Debug, Clone)]
#[must_use = "what it shows is to be noted in the answer's horizon"]
pub struct AsOf<T> {
    value: T,
    position: u64,
}

impl<T> AsOf<T> {
    /// The value, for an answer that is told how far it sees with it.
    pub fn show(self, horizon: &Horizon) -> T {
        horizon.lower(self.position);
        self.value
    }

    /// The value, to find out what else is to be read. What is answered is what `show` gives.
    pub fn look(&self) -> &T {
        &self.value
    }

    /// To make several things of one value, each of which shows as much.
    pub fn as_ref(&self) -> AsOf<&T> {
        AsOf {
            value: &self.value,
            position: self.position,
        }
    }

    /// Something made of the value, which shows as much.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> AsOf<U> {
        AsOf {
            value: make(self.value),
            position: self.position,
        }
    }

    /// Something made of two values, which shows what both of them show.
    pub fn join<U, V>(self, other: AsOf<U>, make: impl FnOnce(T, U) -> V) -> AsOf<V> {
        AsOf {
            value: make(self.value, other.value),
            position: self.position.min(other.position),
        }
    }
}

/// Up to where an answer shows everything: the least of what is noted. Clones are the same.
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
    /// Of a request that begins when the tail is at `start`: it sees no further, whatever it reads.
    pub fn from(start: u64) -> Self {
        Self {
            start: Some(start),
            least: Arc::new(AtomicU64::new(start)),
        }
    }

    /// Where the tail was when the request began, if it is one.
    pub fn start(&self) -> Option<u64> {
        self.start
    }

    /// Something is shown that shows everything up to here only.
    pub fn lower(&self, position: u64) {
        self.least.fetch_min(position, Ordering::AcqRel);
    }

    /// The least that was noted, and no more than `most`.
    pub fn position(&self, most: u64) -> u64 {
        self.least.load(Ordering::Acquire).min(most)
    }

    /// The same, for one of several answers: the next begins anew.
    pub fn take(&self, most: u64) -> u64 {
        self.least.swap(u64::MAX, Ordering::AcqRel).min(most)
    }
}

/// Tables of read models, about to be read.
pub struct Model<'a> {
    connection: &'a DatabaseConnection,
    position: u64,
}

impl Model<'_> {
    /// What to read with.
    pub fn connection(&self) -> &DatabaseConnection {
        self.connection
    }

    /// What was read.
    pub fn give<T>(self, value: T) -> AsOf<T> {
        AsOf {
            value,
            position: self.position,
        }
    }
}

/// What is known in this process of the progress of followers.
#[derive(Default)]
pub(crate) struct Horizons(Mutex<HashMap<String, Arc<Known>>>);

/// Of one follower. Who holds the turn looks, and the others take what is found.
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
    /// The progress, if it needs no look: nobody sees beyond the tail.
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

/// How far a follower has come.
pub(crate) struct Progress {
    /// Grows with every event applied.
    pub(crate) progress: u64,
    /// Everything up to here is applied.
    pub(crate) position: u64,
    /// Whether events that have their position are yet to be applied.
    pub(crate) is_behind: bool,
}

impl EventLog {
    /// The tables that these followers write, to be read after this. What is read of them shows what each has applied by now;
    /// but for what is set aside in the dead letters, which is shown nowhere until it is replayed.
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

    /// Up to here the follower has applied everything.
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

    /// Looks how far a follower has come. The head is read first, so what it shows applied is applied.
    pub(crate) async fn progress(&self, follower: &str) -> Result<Progress> {
        let at = Instant::now();
        let database = &self.database().background;
        let head = read::read_head(database).await?;
        let checkpoint = read_checkpoint(database, follower).await?;
        // A part's checkpoint may be far behind what is next in it.
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
