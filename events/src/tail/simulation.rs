//! A deterministic simulation of a process and its log: the real tail, pump, currency and places in Redis, over a made-up log and
//! Redis and a schedule drawn from a seed. Events arrive in any order, late, doubled, or never; reads fail; everything else happens
//! between any two of the pump's reads. The property: each event is handed on once and in order, the events that wait are bounded,
//! and once the log can be read the tail reaches its head. `SCHEDULES` says how many are run, `FIRST_SEED` where they begin; `make
//! simulate` runs 100,000.

mod outside;

use std::time::Duration;

use fastrand::Rng;
use futures::FutureExt;

use super::*;
use crate::{
    Result,
    bus::Places,
    currency::Currency,
    fresh::Fresh,
    pump::{Pump, Source},
    read::Pass,
};
use outside::Outside;

const STEPS: usize = 60;

/// The events that a process has handed on, with their streams, and its gaps.
type Handed = Arc<Mutex<Vec<std::result::Result<(u64, Uuid), Gap>>>>;

struct Process {
    tail: Tail,
    currency: Currency,
    fresh: Fresh,
    places: Mutex<Places>,
    handed: Handed,
    bounds: Bounds,
    has_redis: bool,
    /// The position up to which handed-on events have been checked.
    checked: u64,
}

struct Simulation {
    outside: Mutex<Outside>,
    process: Process,
}

impl Process {
    fn start(outside: &mut Outside) -> Self {
        // Reads the head, as a process does at its start.
        outside.number(true);
        outside.fresh = 0;
        let bounds = Bounds {
            events: outside.rng.usize(1..8),
            bytes: outside.rng.usize(1..300),
        };
        let tail = Tail::bounded(&outside.head(), bounds);
        let handed = Handed::default();
        let (events, gaps) = (handed.clone(), handed.clone());
        tail.observe(Box::new(move |_, id, _, position| {
            let position = position.expect("it is known when it is handed on");
            let mut events = events.lock();
            events.push(Ok((position, id)));
        }));
        tail.observe_gaps(Box::new(move |gap| {
            gaps.lock().push(Err(gap));
        }));
        Self {
            places: Mutex::new(Places::at(&tail)),
            currency: Currency::new(),
            fresh: Fresh::default(),
            checked: tail.position(),
            tail,
            handed,
            bounds,
            has_redis: outside.rng.bool(),
        }
    }
}

impl Source for Simulation {
    async fn sequence(&self, reached: u64, _: Duration) -> Result<Pass> {
        let mut outside = self.outside.lock();
        outside.may_fail()?;
        let before = outside.numbered;
        outside.number(true);
        let mut events = Vec::new();
        for number in before..outside.numbered {
            let event = outside.log[number].clone();
            events.push((event.event_id, event.previous));
            // Most of them were committed by this process.
            if outside.rng.u8(..8) > 0 {
                let (position, previous, follows) = (0, 0, None);
                self.process.fresh.keep(Event {
                    position,
                    previous,
                    follows,
                    ..event
                });
            }
        }
        Ok(Pass {
            head: outside.head(),
            numbered: std::mem::take(&mut outside.fresh),
            events,
            found: outside.proof_at(reached),
        })
    }

    async fn find_proof(&self, position: u64) -> Result<Option<Proof>> {
        let mut outside = self.outside.lock();
        outside.may_fail()?;
        Ok(outside.proof_at(position))
    }

    async fn read_after(&self, after: u64, until: u64, limit: u64) -> Result<Vec<Event>> {
        self.meanwhile();
        let events: Vec<_> = {
            let mut outside = self.outside.lock();
            outside.may_fail()?;
            let found = outside.log[..outside.numbered].iter();
            let found = found.filter(|event| {
                event.position > after.max(outside.pruned) && event.position <= until
            });
            found.take(limit as usize).cloned().collect()
        };
        self.meanwhile();
        Ok(events)
    }

    async fn begin_epoch(&self, _: u32) -> Result<()> {
        let mut outside = self.outside.lock();
        outside.may_fail()?;
        outside.begin_epoch();
        Ok(())
    }
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut outside = Outside::new(Rng::with_seed(seed));
        let count = outside.rng.usize(..20);
        outside.commit(count);
        let process = Process::start(&mut outside);
        Self {
            outside: Mutex::new(outside),
            process,
        }
    }

    /// Lets something happen outside, or arrive.
    fn happen(&self) {
        let mut outside = self.outside.lock();
        let count = outside.rng.usize(1..8);
        match outside.rng.u8(..16) {
            0..4 => outside.commit(count),
            4 => outside.commit(10 * count),
            5 => outside.number(false),
            6 | 7 => outside.relay(),
            8 => outside.flush(),
            9 if outside.rng.u8(..4) == 0 => outside.prune(),
            10..13 => {
                let (epoch, events) = (outside.epoch, outside.some());
                drop(outside);
                self.process.tail.offer(epoch, events);
            }
            13 => {
                // Before the process has noticed that they are stale, they are events that the log had.
                let is_noticed = self.process.tail.epoch() == outside.epoch;
                let (epoch, events) = (outside.epoch - 1, outside.stale.clone());
                drop(outside);
                if is_noticed {
                    self.process.tail.offer(epoch, events);
                }
            }
            _ => {
                drop(outside);
                self.read_redis();
            }
        }
    }

    fn meanwhile(&self) {
        let count = {
            let mut outside = self.outside.lock();
            let count = outside.rng.usize(..3);
            if outside.is_quiet { 0 } else { count }
        };
        (0..count).for_each(|_| self.happen());
    }

    fn read_redis(&self) {
        let tail = &self.process.tail;
        let mut places = self.process.places.lock();
        places.follow(tail);
        let outside = self.outside.lock();
        // The streams of another epoch are not the ones that are read.
        let streams = outside.redis.iter().enumerate();
        let streams = streams.filter(|_| places.epoch == outside.epoch);
        let behind = streams.flat_map(|(part, stream)| {
            let last = places.last[part];
            let entries = stream.iter().filter(move |(position, _)| *position > last);
            let entries =
                entries.map(move |(position, event)| (part as i16, *position, event.clone()));
            entries.take(5)
        });
        let behind = behind.collect();
        drop(outside);
        let events = places.take(behind);
        tail.offer(places.epoch, events);
    }

    fn pass(&self, is_poll: bool) -> Result<bool> {
        let batch_events = self.outside.lock().rng.u64(1..6);
        let Process {
            tail,
            currency,
            fresh,
            ..
        } = &self.process;
        let pump = Pump {
            source: self,
            tail,
            currency,
            fresh,
            has_faster_way: self.process.has_redis,
            batch_events,
        };
        pump.pass(is_poll, Duration::MAX)
            .now_or_never()
            .expect("nothing waits")
    }

    fn step(&mut self) {
        let mut outside = self.outside.lock();
        match outside.rng.u8(..24) {
            0 => outside.fails = !outside.fails,
            1 => {
                let process = Process::start(&mut outside);
                drop(outside);
                self.process = process;
            }
            // The process notices if it looks before the log is as long again. Otherwise somebody begins an epoch.
            2 if outside.rng.bool() && outside.numbered as u64 > outside.pruned => {
                let kept = outside.pruned as usize..=outside.numbered;
                let to = outside.rng.usize(kept);
                outside.restore(to);
                let reached = self.process.tail.cursor();
                let is_noticed = reached.epoch == outside.epoch && (to as u64) < reached.position;
                if !is_noticed || outside.rng.bool() {
                    outside.begin_epoch();
                } else {
                    (outside.is_quiet, outside.fails) = (true, false);
                    drop(outside);
                    self.pass(true).expect("the log can be read");
                    self.outside.lock().is_quiet = false;
                }
            }
            3..10 => {
                let is_poll = outside.rng.bool();
                drop(outside);
                // A failure means that the log cannot be read at the moment.
                let _ = self.pass(is_poll);
            }
            _ => {
                drop(outside);
                self.happen();
            }
        }
    }

    /// Checks that everything handed on since the last time is what the log had there.
    fn check(&mut self) -> std::result::Result<(), String> {
        let outside = self.outside.lock();
        let process = &mut self.process;
        for handed in process.handed.lock().drain(..) {
            let checked = process.checked;
            match handed {
                Ok((position, _)) if position != checked + 1 => {
                    return Err(format!("{position} was handed on after {checked}"));
                }
                Ok((position, stream)) => {
                    let known = outside.log.get(position as usize - 1);
                    if known.is_none_or(|event| event.stream_id != stream) {
                        return Err(format!("another event was handed on as {position}"));
                    }
                    process.checked = position;
                }
                Err(gap) if gap.after.is_some_and(|after| after != checked) => {
                    return Err(format!("{gap:?} was told after {checked}"));
                }
                Err(gap) => process.checked = gap.until,
            }
        }
        if process.tail.position() != process.checked {
            let reached = process.tail.position();
            return Err(format!("at {reached} after {}", process.checked));
        }
        let (events, bytes) = process.tail.state.lock().pending.len();
        let bounds = process.bounds;
        if events > bounds.events || (events > 1 && bytes > bounds.bytes) {
            return Err(format!("{events} events of {bytes} bytes wait"));
        }
        Ok(())
    }

    fn run(seed: u64) -> std::result::Result<(), String> {
        let mut simulation = Self::new(seed);
        for _ in 0..STEPS {
            simulation.step();
            simulation.check()?;
        }
        // From here on the log can be read, and nothing else helps. The first looks may find another epoch.
        {
            let mut outside = simulation.outside.lock();
            (outside.is_quiet, outside.fails) = (true, false);
        }
        for _ in 0..3 {
            let passed = simulation.pass(true);
            passed.map_err(|error| error.to_string())?;
            simulation.check()?;
        }
        let (reached, head) = (
            simulation.process.tail.position(),
            simulation.outside.lock().head(),
        );
        if reached != head.position {
            return Err(format!("the tail stands at {reached} of {}", head.position));
        }
        if simulation.process.tail.has_gap() {
            return Err("something waits behind the head".to_owned());
        }
        Ok(())
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(otherwise, |text| text.parse().expect("a number"))
}

#[test]
fn a_tail_whose_log_can_be_read_reaches_its_head() {
    let first = number("FIRST_SEED", 0);
    for seed in first..first + number("SCHEDULES", 1_000) {
        if let Err(error) = Simulation::run(seed) {
            panic!("the schedule of FIRST_SEED={seed}: {error}");
        }
    }
}
