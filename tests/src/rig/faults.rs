//! The faults by name. Each is injected, lasts, and ends; recovery is measured from the instant at which it ends.

mod clock;
mod database;
mod deliveries;
mod handlers;
mod pressure;
mod processes;
mod redis;

use std::time::Instant;

use futures::future::BoxFuture;

use super::Rig;

/// When the fault ended, or why it could not be injected.
pub type Injected = Result<Instant, String>;

/// How long a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Moment,
    /// Ten seconds or more.
    Long,
}

pub struct Fault {
    pub name: &'static str,
    pub about: &'static str,
    pub length: Length,
    /// Injects the fault. `turn` counts its injections, from 0: faults with several variants alternate.
    pub inject: for<'a> fn(&'a mut Rig, turn: usize) -> BoxFuture<'a, Injected>,
}

macro_rules! faults {
    ($($name:literal $length:ident $inject:path, $about:literal;)+) => {
        &[$(Fault {
            name: $name,
            about: $about,
            length: Length::$length,
            inject: |rig, turn| Box::pin($inject(rig, turn)),
        }),+]
    };
}

/// All faults.
pub const FAULTS: &[Fault] = faults! {
    "gateway-killed" Moment processes::kill_gateway, "kill -9 of a gateway, which is started again";
    "worker-killed" Moment processes::kill_worker, "kill -9 of a worker, which is started again";
    "relay-killed" Moment processes::kill_relay, "kill -9 of the gateway through which everybody writes just then, with its pump and its relay";
    "paused-past-lease" Moment processes::pause, "SIGSTOP of a process for twice its lease, then SIGCONT";
    "rolling-restart" Long processes::restart_all, "SIGTERM and start of every process, one after the other";
    "clock-off" Moment clock::set_off, "the clock of one process an hour ahead or behind";
    "redis-flushed" Moment redis::flush, "FLUSHALL";
    "redis-restarted-empty" Moment redis::restart_empty, "kill -9 of Redis, which comes back empty";
    "redis-stopped" Long redis::stop, "Redis answers nothing, or refuses connections, for 10 s";
    "redis-tail-lost" Moment redis::lose_tail, "the last entries of all streams are gone, and their last ids set back";
    "redis-connections-cut" Moment redis::cut_connections, "connections to Redis are cut in the middle of a command";
    "redis-doubled-reordered" Moment deliveries::double, "entries of the streams, and jobs, come again and in another order";
    "redis-silent" Long redis::silence, "all connections to Redis are silent for good, one way or both; new ones work";
    "postgres-stopped" Long database::stop, "Postgres crashes, or answers nothing, for 10 s";
    "postgres-disconnected" Moment database::disconnect, "all connections to Postgres are terminated";
    "postgres-silent" Long database::silence, "all connections to Postgres are silent for good, one way or both; new ones work";
    "postgres-read-only" Long database::refuse_writes, "Postgres takes no writes for 10 s";
    "commit-unanswered" Moment database::leave_commits_unanswered, "COMMITs are answered late, never, or are lost, and clients repeat";
    "transaction-open" Long database::hold_transaction, "a transaction with an event stays open for 30 s";
    "appends-at-once" Moment pressure::append_at_once, "500 updates of one customer at once";
    "subscriber-slow" Long pressure::read_slowly, "a subscriber reads a byte a second";
    "event-poisoned" Moment handlers::poison, "an event that followers cannot apply: it is parked with those behind it, mended, and replayed";
    "handler-killing" Long handlers::kill_in_handler, "a signal that kills the process that handles it, until it is given up; mended, and replayed";
    "processor-silent" Long handlers::silence, "a processor of signals does not answer: they end at their deadline, with partial results";
    "rebuild" Moment pressure::rebuild, "the read model of posts is built anew";
};
