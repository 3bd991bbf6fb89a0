//! What `millrace doctor` makes of what it sees: each finding says what is so, and, where that is not as it should be, what to do about it.
//! Nothing is asked here; `start` gathers the facts.

mod clocks;
mod schema;

use std::{fmt, time::Duration};

use events::{BreakerState, DatabaseFacts, HostFacts, RedisFacts, ServerFacts, WorkersStatus};
use serde::Serialize;
use workers::operating::Outcome;

use crate::config::Config;
use clocks::of_clock;
pub use clocks::of_times;
pub use schema::{of_indexes, of_migrations};

/// The oldest Postgres that Millrace is tested with.
const OLDEST_POSTGRES: u32 = 15;
/// The oldest Redis whose commands are used.
const OLDEST_REDIS: u32 = 7;
const SLOW: Duration = Duration::from_millis(50);
/// An open transaction keeps dead rows from being removed, and locks.
const LONG_TRANSACTION: f64 = 60.0;
const LONG_LAG: f64 = 30.0;
const LITTLE_SPACE: u64 = 1 << 30;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Grade {
    Ok,
    /// It works, but not as well or as safely as it could.
    Warning,
    /// Something does not work.
    Trouble,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub grade: Grade,
    pub about: &'static str,
    pub says: String,
    #[serde(rename = "do")]
    pub advice: Option<String>,
}

impl Finding {
    pub fn ok(about: &'static str, says: impl Into<String>) -> Self {
        Self {
            grade: Grade::Ok,
            about,
            says: says.into(),
            advice: None,
        }
    }

    pub fn warning(
        about: &'static str,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            grade: Grade::Warning,
            advice: Some(advice.into()),
            ..Self::ok(about, says)
        }
    }

    pub fn trouble(
        about: &'static str,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            grade: Grade::Trouble,
            ..Self::warning(about, says, advice)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Ok => "ok",
            Grade::Warning => "warning",
            Grade::Trouble => "TROUBLE",
        };
        write!(f, "{grade:<8} {:<14} {}", self.about, self.says)?;
        match &self.advice {
            Some(advice) => write!(f, "\n{:24}{advice}", ""),
            None => Ok(()),
        }
    }
}

/// The outcome of the whole: warnings do not count, as a program that watches would be woken for nothing.
pub fn outcome(findings: &[Finding]) -> Outcome {
    match findings.iter().map(|it| it.grade).max() {
        Some(Grade::Trouble) => Outcome::Left,
        _ => Outcome::Done,
    }
}

/// Judges the settings, as far as they alone say something.
pub fn of_settings(config: &Config, is_embedded: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    if config.server.demo_data {
        found.push(Finding::warning(
            "settings",
            "visitors enter as people of the demo data, without a password",
            "leave out --demo-data where strangers can reach the gateway",
        ));
    }
    if !is_embedded && config.store.redis_url.is_none() {
        found.push(Finding::warning(
            "settings",
            "there is no Redis: events reach other processes a poll interval later, and rate limits hold for one gateway each",
            "set REDIS_URL",
        ));
    }
    if !is_embedded && !config.server.production {
        found.push(Finding::warning(
            "settings",
            "it does not run in production mode",
            "set --production where strangers can reach the gateway",
        ));
    }
    if found.is_empty() {
        found.push(Finding::ok(
            "settings",
            "nothing stands out; `millrace config` prints them",
        ));
    }
    found
}

/// Judges what each of several hosts of the database says of itself.
pub fn of_hosts(hosts: &[HostFacts]) -> Vec<Finding> {
    let each = hosts.iter().map(|host| {
        let says = format!("{} {}", host.name, host.says);
        match host.is_well {
            true => Finding::ok("hosts", says),
            false => Finding::warning(
                "hosts",
                says,
                "see whether it runs, and whether this machine may reach it: nobody can fail over to it",
            ),
        }
    });
    let mut found: Vec<_> = each.collect();
    let primaries: Vec<_> = hosts.iter().filter(|host| host.is_primary).collect();
    if let [one, other, ..] = primaries[..] {
        found.push(Finding::trouble(
            "hosts",
            format!("{} and {} both accept writes", one.name, other.name),
            "stop the one that was replaced, and make it a standby of the other one (pg_rewind)",
        ));
    }
    found
}

/// Judges what is known of each replica.
pub fn of_replicas(replicas: &[HostFacts]) -> Vec<Finding> {
    let each = replicas.iter().map(|replica| {
        let says = format!("{} {}", replica.name, replica.says);
        match replica.is_well {
            true => Finding::ok("replicas", says),
            false => Finding::warning(
                "replicas",
                says,
                "see MILLRACE_REPLICA_URL, and whether it is a standby that keeps up; meanwhile the primary answers its queries",
            ),
        }
    });
    each.collect()
}

/// Judges what the database says of itself.
pub fn of_database(facts: &DatabaseFacts) -> Vec<Finding> {
    let name = if facts.server.is_some() {
        "Postgres"
    } else {
        "SQLite"
    };
    let says = format!("{name} {}, {} MB", facts.version, megabytes(facts.bytes));
    let mut found = vec![answered("database", says, facts.took)];
    if let Some(server) = &facts.server {
        of_server(server, &mut found);
    }
    found
}

fn answered(about: &'static str, says: String, took: Duration) -> Finding {
    let says = format!("{says}, answers in {:.1} ms", took.as_secs_f64() * 1e3);
    match took > SLOW {
        true => Finding::warning(about, says, "look at its load, and at the network between"),
        false => Finding::ok(about, says),
    }
}

const fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

fn of_server(server: &ServerFacts, found: &mut Vec<Finding>) {
    if server.major < OLDEST_POSTGRES {
        let advice = format!("upgrade it to {OLDEST_POSTGRES} or newer");
        found.push(Finding::trouble(
            "database",
            format!("Postgres {} is too old", server.major),
            advice,
        ));
    }
    if server.is_read_only {
        found.push(Finding::trouble(
            "database",
            "it does not accept writes",
            "this is a standby, or set to be read-only: name the primary in DATABASE_URL",
        ));
    }
    let mut lossy: Vec<_> = server
        .settings
        .iter()
        .filter(|(_, value)| *value == "off")
        .collect();
    lossy.sort();
    for (setting, _) in lossy {
        found.push(Finding::trouble(
            "database",
            format!(
                "{setting} is off: a crash of the server may lose mutations that were answered"
            ),
            format!("set {setting} = on"),
        ));
    }
    let [open, most] = server.connections;
    if open * 10 > most * 9 {
        found.push(Finding::warning(
            "database",
            format!("{open} of {most} connections are open"),
            "raise max_connections, or lower --max-connections and --workers-connections",
        ));
    }
    if server.oldest_transaction > LONG_TRANSACTION {
        found.push(Finding::warning(
            "database",
            format!(
                "a transaction has been open for {:.0} s",
                server.oldest_transaction
            ),
            "find it in pg_stat_activity: it keeps rows from being cleaned up, and perhaps locks",
        ));
    }
    found.push(of_clock("database", server.clock_ahead));
}

/// Judges what Redis says of itself.
pub fn of_redis(facts: &RedisFacts) -> Vec<Finding> {
    let says = format!("{}, {} MB used", facts.version, megabytes(facts.memory[0]));
    let mut found = vec![answered("redis", says, facts.took)];
    let major = facts
        .version
        .split('.')
        .next()
        .and_then(|it| it.parse().ok());
    if major.is_some_and(|major: u32| major < OLDEST_REDIS) {
        let advice = format!("upgrade it to {OLDEST_REDIS}.0 or newer, or take Valkey");
        found.push(Finding::trouble("redis", "it is too old", advice));
    }
    if !facts.is_writable {
        found.push(Finding::trouble(
            "redis",
            format!("it does not accept writes; its role is {}", facts.role),
            "its memory or disk is full, its user lacks rights, or it is a replica: see its log, and REDIS_URL",
        ));
    }
    let [used, most] = facts.memory;
    if !facts.policy.is_empty() && facts.policy != "noeviction" {
        found.push(Finding::warning(
            "redis",
            format!(
                "with the policy {} it throws streams away when its memory is full",
                facts.policy
            ),
            "set maxmemory-policy noeviction",
        ));
    }
    if most > 0 && used * 10 > most * 9 {
        found.push(Finding::warning(
            "redis",
            format!("{} of {} MB are used", megabytes(used), megabytes(most)),
            "raise maxmemory",
        ));
    }
    found.push(of_clock("redis", facts.clock_ahead));
    found
}

/// Judges the space that is left where the database is a file.
pub fn of_disk(free: u64, database: u64) -> Finding {
    let says = format!("{} MB are free", megabytes(free));
    // A rebuild writes a read model a second time, and `vacuum` the whole file.
    if free < LITTLE_SPACE.max(database) {
        let advice = "make room: a rebuild and a vacuum may need as much as the database has";
        return Finding::warning("disk", says, advice);
    }
    Finding::ok("disk", says)
}

/// Judges the state of the workers.
pub fn of_workers(status: &WorkersStatus) -> Vec<Finding> {
    let mut found = Vec::new();
    let is_paused = |name: &str| status.pauses.iter().any(|pause| pause.name == name);
    for it in &status.followers {
        // Whoever is paused is behind, and need not be run.
        if is_paused(&it.name) {
            continue;
        }
        // Who was killed has not left, but keeps no part.
        if it.parts.iter().all(|part| part.owner.is_none()) {
            found.push(Finding::trouble(
                "workers",
                format!(
                    "no process runs {}, which is {} events behind",
                    it.name, it.lag.events
                ),
                "start `millrace work`, or with SQLite the gateway; if one runs, see its log",
            ));
        } else if it.lag.seconds > LONG_LAG {
            found.push(Finding::warning(
                "workers",
                format!("{} is {:.0} s behind", it.name, it.lag.seconds),
                "wait if it catches up; otherwise look for slow statements, or start more workers",
            ));
        }
    }
    for pause in &status.pauses {
        found.push(Finding::warning(
            "workers",
            format!("{} is paused", pause.name),
            "resume it on the operations page when it may go on",
        ));
    }
    let followers = status
        .followers
        .iter()
        .map(|it| (&it.name, it.dead_letters));
    let handlers = status.handlers.iter().map(|it| (&it.name, it.dead));
    for (name, count) in followers.chain(handlers).filter(|(_, count)| *count > 0) {
        found.push(Finding::warning(
            "workers",
            format!("{name} has {count} dead letters"),
            "`millrace dead-letters list` says why; replay or discard them",
        ));
    }
    for it in &status.breakers {
        if it.state != BreakerState::Closed {
            found.push(Finding::warning(
                "workers",
                format!(
                    "{} was given up on after {} failures, and is tried again now and then",
                    it.dependency, it.failures
                ),
                it.error
                    .clone()
                    .unwrap_or_else(|| "see the log of the workers".to_owned()),
            ));
        }
    }
    if found.is_empty() {
        let names = status.followers.len() + status.handlers.len();
        found.push(Finding::ok("workers", format!("all {names} are at work")));
    }
    found
}

#[cfg(test)]
mod tests;
