//! The searched world: a database, two processes with their tails, leases and folds, a stream in Redis, and a client. The product's
//! code makes all decisions; the rest is the smallest possible world.

use uuid::Uuid;

use super::database::{Database, Id, event, proof};
use crate::{
    Cursor, Proof,
    epoch::{Step, continues, is_level, is_next, judge, step},
    runner::{Lease, remembered},
};

const PROCESSES: usize = 2;
/// The number of events that are ever written, and how often the end of the log is lost.
const WRITES: u8 = 4;
const LOSSES: u8 = 2;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Process {
    reached: Cursor,
    /// The events that the tail handed on, by position, as far as it remembers.
    recent: Vec<(u64, Id)>,
    lease: Option<Lease>,
    fold: Vec<Id>,
}

/// An entry of the stream in Redis.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Entry {
    epoch: u32,
    position: u64,
    id: Id,
    follows: Option<Proof>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Client {
    place: Cursor,
    /// The last event it saw; 0 before the first.
    last: Id,
    /// The process it is connected to, and whether it listens to the tail there.
    process: usize,
    is_live: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    database: Database,
    processes: [Process; PROCESSES],
    redis: Vec<Entry>,
    /// `None` once it was told to start over.
    client: Option<Client>,
    written: u8,
    losses: u8,
    epochs: u32,
    /// The event behind which each was numbered; 0 for the first.
    behind: Vec<Id>,
    /// The fault that occurred, if any.
    fault: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Write,
    /// All but this many events are lost; the database can tell, or not.
    Lose(usize, bool),
    Pump(usize),
    Relay(usize),
    Hear(usize),
    Follow(usize),
    Fold(usize),
    Resume(usize),
    Read,
}

impl World {
    pub(super) fn new() -> Self {
        let database = Database {
            epoch: 1,
            events: Vec::new(),
            checkpoint: 0,
            applied: Vec::new(),
            has_moved: false,
        };
        let process = Process {
            reached: database.cursor(0),
            recent: Vec::new(),
            lease: None,
            fold: Vec::new(),
        };
        let client = Client {
            place: database.cursor(0),
            last: 0,
            process: 0,
            is_live: true,
        };
        Self {
            database,
            processes: [process.clone(), process],
            redis: Vec::new(),
            client: Some(client),
            written: 0,
            losses: 0,
            epochs: 1,
            behind: vec![0],
            fault: None,
        }
    }

    pub(super) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.written < WRITES {
            actions.push(Action::Write);
        }
        if self.losses < LOSSES {
            let events = self.database.events.len();
            for kept in events.saturating_sub(2)..events {
                actions.extend([Action::Lose(kept, false), Action::Lose(kept, true)]);
            }
        }
        for process in 0..PROCESSES {
            actions.extend([
                Action::Pump(process),
                Action::Relay(process),
                Action::Hear(process),
                Action::Follow(process),
                Action::Fold(process),
                Action::Resume(process),
            ]);
        }
        actions.push(Action::Read);
        actions
    }

    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Write => {
                self.written += 1;
                let last = self.database.events.last().copied();
                self.behind.push(last.unwrap_or(0));
                self.database.events.push(self.written);
            }
            Action::Lose(kept, can_tell) => {
                let database = &mut self.database;
                self.losses += 1;
                database.events.truncate(kept);
                database.applied.truncate(kept);
                database.checkpoint = database.checkpoint.min(kept as u64);
                database.has_moved |= can_tell;
            }
            Action::Pump(process) => self.pump(process),
            Action::Relay(process) => self.relay(process),
            Action::Hear(process) => self.hear(process),
            Action::Follow(process) => self.follow(process),
            Action::Fold(process) => self.fold(process),
            Action::Resume(process) => self.resume(process),
            Action::Read => self.read(),
        }
    }

    fn begin_epoch(&mut self) {
        self.epochs += 1;
        self.database.epoch = self.epochs;
    }

    fn pump(&mut self, process: usize) {
        if std::mem::take(&mut self.database.has_moved) {
            self.begin_epoch();
        }
        let reached = self.processes[process].reached;
        let head = self.database.head();
        let found = self.database.found(reached.position).map(proof);
        match step(reached, &head, found) {
            Step::GoOn => {
                for position in reached.position + 1..=head.position {
                    let follows = self.database.found(position - 1).map(proof);
                    let id = self.database.events[position as usize - 1];
                    self.offer(process, position, id, follows);
                }
            }
            Step::StartOver => {
                let tail = &mut self.processes[process];
                tail.reached = self.database.cursor(head.position);
                tail.recent.clear();
                // The tail's age has changed, and the folds have another past.
                tail.lease = None;
                tail.fold.clear();
                self.client.take_if(|client| client.process == process);
            }
            Step::BeginEpoch => self.begin_epoch(),
        }
    }

    fn offer(&mut self, process: usize, position: u64, id: Id, follows: Option<Proof>) {
        let tail = &mut self.processes[process];
        let event = event(position, id, follows);
        if !is_next(&event, tail.reached) {
            return;
        }
        tail.reached = Cursor::behind(&event, tail.reached.epoch);
        tail.recent.push((position, id));
        if let Some(client) = &self.client
            && client.process == process
            && client.is_live
            && client.place.position < position
        {
            self.deliver(position, id);
        }
    }

    fn deliver(&mut self, position: u64, id: Id) {
        let Some(client) = &mut self.client else {
            return;
        };
        if position != client.place.position + 1 || self.behind[id as usize] != client.last {
            self.fault = Some("a client went on across a loss and was not told");
        }
        client.place = Cursor::behind(&event(position, id, None), client.place.epoch);
        client.last = id;
    }

    fn relay(&mut self, process: usize) {
        let Process {
            reached, recent, ..
        } = &self.processes[process];
        let epoch = reached.epoch;
        let top = self.redis.iter().rfind(|entry| entry.epoch == epoch);
        let top = top.map(|entry| entry.position);
        // Appends behind the last entry, as `append.lua` does, or to an empty stream.
        let next = recent.iter().position(|(position, _)| match top {
            Some(top) => *position == top + 1,
            None => true,
        });
        if let Some(next) = next {
            let (position, id) = recent[next];
            let follows = match next {
                0 => self.database.found(position - 1).map(proof),
                _ => Some(proof(recent[next - 1].1)),
            };
            self.redis.push(Entry {
                epoch,
                position,
                id,
                follows,
            });
        }
    }

    fn hear(&mut self, process: usize) {
        let reached = self.processes[process].reached;
        let is_next =
            |entry: &&Entry| entry.epoch == reached.epoch && entry.position == reached.position + 1;
        if let Some(entry) = self.redis.iter().find(is_next).cloned() {
            self.offer(process, entry.position, entry.id, entry.follows);
        }
    }

    /// Applies one event, from the memory of the tail if it is there.
    fn follow(&mut self, process: usize) {
        let database = &mut self.database;
        let Process {
            reached,
            recent,
            lease,
            ..
        } = &mut self.processes[process];
        let mut held = remembered(lease.as_ref(), 1, database.checkpoint, false);
        let position = held.scanned + 1;
        if position <= reached.position {
            let known = recent.iter().find(|(known, _)| *known == position);
            let id = known.map(|(_, id)| *id);
            let Some(id) = id.or_else(|| database.found(position)) else {
                return;
            };
            // This is what `advance` asks in its transaction.
            if database.checkpoint != position - 1 || database.found(position) != Some(id) {
                *lease = None;
                return;
            }
            database.checkpoint = position;
            database.applied.push(id);
            held.position = position;
            held.scanned = position;
        }
        *lease = Some(held);
    }

    fn fold(&mut self, process: usize) {
        let fold = &mut self.processes[process].fold;
        let id = |id: Id| Uuid::from_u128(id.into());
        if let Some(last) = fold.last() {
            let found = self.database.found(fold.len() as u64);
            if !continues(id(*last), found.map(id)) {
                fold.clear();
            }
        }
        let since = self.database.events.iter().skip(fold.len()).copied();
        fold.extend(since);
        if *fold != self.database.events {
            self.fault = Some("a fold has what the log does not have");
        }
    }

    /// The client reconnects with its cursor, to one process or the other.
    fn resume(&mut self, process: usize) {
        let Some(client) = &mut self.client else {
            return;
        };
        let reached = self.processes[process].reached;
        let is_known = reached == client.place && client.place.position > 0;
        let standing = self.database.standing(client.place.position);
        if !is_known && judge(client.place, &standing).is_err() {
            self.client = None;
            return;
        }
        client.process = process;
        client.is_live = false;
        self.read();
    }

    /// Does what `EventSource::follow` does: listens, reads the log up to there, and receives.
    fn read(&mut self) {
        let Some(client) = &mut self.client else {
            return;
        };
        let tail = &self.processes[client.process];
        let reached = tail.reached;
        if client.is_live || reached.position < client.place.position {
            return;
        }
        if reached.epoch != client.place.epoch {
            self.client = None;
            return;
        }
        if reached.position == client.place.position {
            match is_level(client.place, reached) {
                true => client.is_live = true,
                false => self.client = None,
            }
            return;
        }
        let from = self.database.standing(client.place.position);
        let until = self.database.standing(reached.position);
        if judge(client.place, &from).is_err() || judge(reached, &until).is_err() {
            self.client = None;
            return;
        }
        for position in client.place.position + 1..=reached.position {
            let id = self.database.events[position as usize - 1];
            self.deliver(position, id);
        }
        if let Some(client) = &mut self.client {
            client.is_live = true;
        }
    }

    pub(super) fn fault(&self) -> Option<&'static str> {
        let database = &self.database;
        let applied = database.events.get(..database.checkpoint as usize);
        if applied != Some(&database.applied) {
            return Some("a read model has what the log does not have");
        }
        self.fault.or_else(|| self.stands_still())
    }

    /// Returns what is behind when nothing happens any more except that everybody continues.
    fn stands_still(&self) -> Option<&'static str> {
        let mut world = self.clone();
        for _ in 0..WRITES + 3 {
            for process in 0..PROCESSES {
                world.pump(process);
                world.read();
                world.follow(process);
                world.fold(process);
            }
        }
        let head = world.database.cursor(world.database.events.len() as u64);
        if world.fault.is_some() {
            return world.fault;
        }
        if world
            .processes
            .iter()
            .any(|process| process.reached != head)
        {
            return Some("a tail stands still");
        }
        if world.database.checkpoint != head.position {
            return Some("a follower stands still");
        }
        let client = world.client?;
        (client.place != head).then_some("a client waits, and is not told")
    }
}
