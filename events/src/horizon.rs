//! How far an answer can see. A subscriber that resumes from an answer's cursor must miss nothing that the answer does not show.
//! The tables of commands show everything that has a position; a read model shows what its follower has applied. So a value read
//! from one is wrapped in `AsOf`, with a position learnt *before* the read (tables and checkpoint commit together, so they show
//! at least that), and is only accessible by noting that position in the answer's `Horizon`, whose minimum is its cursor. Within
//! an epoch progress never falls, so a slightly old one is a lower bound, and at the tail none is needed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::DatabaseConnection;

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

impl<'a> Model<'a> {
    /// Tables that show everything up to `position`, at least.
    pub(crate) fn at(position: u64, connection: &'a DatabaseConnection) -> Self {
        Self {
            connection,
            position,
        }
    }

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
}
