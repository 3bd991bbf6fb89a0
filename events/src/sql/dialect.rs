//! The expressions in which Postgres and SQLite differ. Leases, due times and the times operators see use the database's clock;
//! the clocks of processes decide nothing. Postgres has timestamps; SQLite has seconds since 1970, by a clock that nobody can set
//! while the process runs (`clock`). Both are read as seconds.

use std::time::Duration;

use sea_orm::DbBackend;

use crate::clock::sqlite_now;

/// The expressions that differ between the two databases.
pub trait Dialect: Copy {
    /// Returns whether this is Postgres; otherwise it is SQLite.
    fn is_postgres(self) -> bool;

    /// Returns the value for this database.
    fn either<T>(self, postgres: T, sqlite: T) -> T {
        match self.is_postgres() {
            true => postgres,
            false => sqlite,
        }
    }

    /// The time at which the statement began. It is constant within the statement, so an index can be searched for it.
    fn now(self) -> String {
        time(self, "statement_timestamp()")
    }

    /// `now`, as columns have it that hold a `DateTime`.
    fn timestamp(self) -> String {
        match self.is_postgres() {
            true => self.now(),
            false => format!(
                "strftime('%Y-%m-%dT%H:%M:%f+00:00', {}, 'unixepoch')",
                self.now()
            ),
        }
    }

    /// `now` plus the parameter in seconds, which may be negative.
    fn now_plus(self, parameter: usize) -> String {
        format!("{} + {}", self.now(), interval(self, parameter))
    }

    /// The current time. Unlike `now` it advances while the statement waits for a lock, so a lease lasts its full length.
    fn clock(self) -> String {
        time(self, "clock_timestamp()")
    }

    /// `clock` plus the parameter in seconds.
    fn clock_plus(self, parameter: usize) -> String {
        format!("{} + {}", self.clock(), interval(self, parameter))
    }

    /// `clock` minus the parameter in seconds.
    fn clock_minus(self, parameter: usize) -> String {
        format!("{} - {}", self.clock(), interval(self, parameter))
    }

    /// Whether a lease that ends at this time is over. It also is when it ends later than any may, which is after the parameter in
    /// seconds (see `longest`): it was taken by a clock that was ahead of this one, and whoever holds it renews it by this one.
    fn is_over(self, until: &str, parameter: usize) -> String {
        let (now, last) = (self.clock(), self.clock_plus(parameter));
        format!("({until} < {now} or {until} > {last})")
    }

    /// A time before all others.
    fn never(self) -> &'static str {
        self.either("'-infinity'", "0")
    }

    /// Converts a time to seconds since 1970.
    fn seconds(self, time: &str) -> String {
        match self.is_postgres() {
            true => format!("extract(epoch from {time})::float8"),
            false => time.to_owned(),
        }
    }

    /// Skips rows that others have locked. SQLite has a single writer and needs no clause.
    fn skip_locked(self) -> &'static str {
        self.either("for update skip locked", "")
    }

    /// Expands a parameter with a JSON list of numbers for `in (…)`, so that lists of all lengths share a statement.
    fn numbers(self, parameter: usize) -> String {
        match self.is_postgres() {
            true => format!(
                "select value::bigint from json_array_elements_text(${parameter}::text::json)"
            ),
            false => format!("select value from json_each(${parameter})"),
        }
    }

    /// Expands the first parameter, a JSON list of texts, to a table `n` with the column `name`.
    fn names(self) -> &'static str {
        self.either(
            "json_array_elements_text($1::text::json) n(name)",
            "(select value as name from json_each($1)) n",
        )
    }
}

/// Returns the time in seconds after which no lease of this length ends, also if another process takes somewhat longer ones. The clock of
/// a database may go back: it is set, or that of the server that takes over is behind.
pub fn longest(lease: Duration) -> f64 {
    (2 * lease + Duration::from_secs(60)).as_secs_f64()
}

impl Dialect for DbBackend {
    fn is_postgres(self) -> bool {
        self == Self::Postgres
    }
}

fn time(backend: impl Dialect, postgres: &str) -> String {
    match backend.is_postgres() {
        true => postgres.to_owned(),
        false => sqlite_now(),
    }
}

fn interval(backend: impl Dialect, parameter: usize) -> String {
    match backend.is_postgres() {
        true => format!("make_interval(secs => ${parameter})"),
        false => format!("${parameter}"),
    }
}
