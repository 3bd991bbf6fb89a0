//! The surroundings of the simulated process: a log that others write, number, prune and restore, and the streams of Redis, which
//! are filled, lost, and at times hold entries that cannot be read. All of it is drawn from the seed.

use fastrand::Rng;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{ERASURE_STREAM, Error, Event, PARTS, Proof, Result, kit, read::Head};

/// The parts that have events: few, so that streams are long.
const BUSY_PARTS: i16 = 4;

/// What others see: the log, and the part of it that is in Redis.
pub(super) struct Outside {
    pub(super) rng: Rng,
    pub(super) epoch: u32,
    /// The event at position `n` is `log[n - 1]`.
    pub(super) log: Vec<Event>,
    /// This many events have their position.
    pub(super) numbered: usize,
    /// Events that the process itself numbered since its last look.
    pub(super) fresh: u64,
    pub(super) pruned: u64,
    /// The entries of each part's stream of this epoch; one without an event cannot be read.
    pub(super) redis: Vec<Vec<(u64, Option<Event>)>>,
    /// Events read over Redis before the log began this epoch.
    pub(super) stale: Vec<Event>,
    pub(super) fails: bool,
    /// Nothing happens except what the process does.
    pub(super) is_quiet: bool,
}

impl Outside {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            rng,
            epoch: kit::EPOCH,
            log: Vec::new(),
            numbered: 0,
            fresh: 0,
            pruned: 0,
            redis: vec![Vec::new(); PARTS as usize],
            stale: Vec::new(),
            fails: false,
            is_quiet: false,
        }
    }

    /// Returns the proof of the event at `position`, if there is one.
    pub(super) fn proof_at(&self, position: u64) -> Option<Proof> {
        let event = self
            .log
            .get(usize::try_from(position).ok()?.checked_sub(1)?)?;
        Some(Proof::of(event.event_id))
    }

    pub(super) fn head(&self) -> Head {
        Head {
            epoch: self.epoch,
            pruned: self.pruned,
            proof: self.proof_at(self.numbered as u64),
            ..kit::head(self.numbered as u64)
        }
    }

    pub(super) fn commit(&mut self, count: usize) {
        for _ in 0..count {
            let position = self.log.len() as u64 + 1;
            let kind = match self.rng.u8(..) {
                0 => ERASURE_STREAM,
                _ => "customer",
            };
            let mut event = kit::event(position, kind, 0);
            event.event_id = Uuid::from_u128(self.rng.u128(..));
            // Each event has its own stream, which distinguishes it from others that had its position.
            event.stream_id = event.event_id;
            event.follows = self.proof_at(position - 1);
            event.part = self.rng.i16(0..BUSY_PARTS);
            let text = format!("\"{}\"", "x".repeat(self.rng.usize(..60)));
            event.data = RawValue::from_string(text).expect("JSON");
            self.log.push(event);
        }
    }

    pub(super) fn number(&mut self, is_by_process: bool) {
        if is_by_process {
            self.fresh += (self.log.len() - self.numbered) as u64;
        }
        self.numbered = self.log.len();
    }

    /// Another process relays events that a part lacks, from the last entry on, or from anywhere when the stream is empty.
    pub(super) fn relay(&mut self) {
        let part = self.rng.i16(0..BUSY_PARTS);
        let is_whole = self.rng.bool();
        let stream = &mut self.redis[part as usize];
        let after = match stream.last() {
            Some((position, _)) => *position,
            None if is_whole => self.pruned,
            None => self.rng.u64(self.pruned..=self.numbered as u64),
        };
        let missing = self.log[..self.numbered].iter();
        let missing = missing.filter(|event| event.part == part && event.position > after);
        let rng = &mut self.rng;
        let entries: Vec<_> = missing
            .map(|event| (event.position, (rng.u8(..) > 5).then(|| event.clone())))
            .collect();
        stream.extend(entries);
    }

    pub(super) fn flush(&mut self) {
        let (part, is_all) = (self.rng.usize(..BUSY_PARTS as usize), self.rng.bool());
        for (number, stream) in self.redis.iter_mut().enumerate() {
            if is_all || number == part {
                stream.clear();
            }
        }
    }

    pub(super) fn prune(&mut self) {
        self.pruned = self.rng.u64(self.pruned..=self.numbered as u64);
    }

    /// The log loses its newest events.
    pub(super) fn restore(&mut self, to: usize) {
        self.stale = self.log[self.pruned as usize..self.numbered].to_vec();
        self.log.truncate(to);
        self.numbered = to;
        self.fresh = 0;
        self.pruned = self.pruned.min(to as u64);
    }

    pub(super) fn begin_epoch(&mut self) {
        self.epoch += 1;
        self.redis.iter_mut().for_each(Vec::clear);
    }

    pub(super) fn may_fail(&mut self) -> Result<()> {
        match self.fails && self.rng.bool() {
            true => Err(Error::Task("the log is away".to_owned())),
            false => Ok(()),
        }
    }

    /// Returns any of the events, in any order and number.
    pub(super) fn some(&mut self) -> Vec<Event> {
        let known = &self.log[self.pruned as usize..self.numbered];
        let count = self.rng.usize(..12);
        let drawn = (0..count).filter_map(|_| self.rng.choice(known));
        drawn.cloned().collect()
    }
}
