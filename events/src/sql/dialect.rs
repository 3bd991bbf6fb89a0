//! What Postgres and SQLite say differently. Times are the database's, for leases, due times and what operators are shown: the
//! clocks of processes decide nothing. Postgres has timestamps; SQLite has seconds since 1970, by a clock that is not set while
//! the process runs (`clock`). Both are read as seconds.

use sea_orm::DbBackend;

use crate::clock::sqlite_now;

/// The expressions in which the two databases differ.
pub trait Dialect: Copy {
    /// Whether it is Postgres; else it is SQLite.
    fn is_postgres(self) -> bool;

    /// What is said to each of them.
    fn either<T>(self, postgres: T, sqlite: T) -> T {
        match self.is_postgres() {
            true => postgres,
            false => sqlite,
        }
    }

    /// The time at which the statement began. It does not change within it, so an index can be searched for it.
    fn now(self) -> String {
        time(self, "statement_timestamp()")
    }

    /// That time and as many seconds as the parameter says, which may be negative.
    fn now_plus(self, parameter: u8) -> String {
        format!("{} + {}", self.now(), interval(self, parameter))
    }

    /// The time of this moment. Unlike the statement's it goes on while that waits for a lock, so a lease lasts as long as it says.
    fn clock(self) -> String {
        time(self, "clock_timestamp()")
    }

    /// That time and as many seconds as the parameter says.
    fn clock_plus(self, parameter: u8) -> String {
        format!("{} + {}", self.clock(), interval(self, parameter))
    }

    /// That time less as many seconds as the parameter says.
    fn clock_minus(self, parameter: u8) -> String {
        format!("{} - {}", self.clock(), interval(self, parameter))
    }

    /// A time before all others.
    fn never(self) -> &'static str {
        self.either("'-infinity'", "0")
    }

    /// A time as seconds since 1970.
    fn seconds(self, time: &str) -> String {
        match self.is_postgres() {
            true => format!("extract(epoch from {time})::float8"),
            false => time.to_owned(),
        }
    }

    /// Leaves out what others have locked. SQLite has one writer.
    fn skip_locked(self) -> &'static str {
        self.either("for update skip locked", "")
    }

    /// The numbers that a parameter lists as JSON, for `in (…)`, so that lists of all lengths share a statement.
    fn numbers(self, parameter: u8) -> String {
        match self.is_postgres() {
            true => format!(
                "select value::bigint from json_array_elements_text(${parameter}::text::json)"
            ),
            false => format!("select value from json_each(${parameter})"),
        }
    }

    /// The texts that the first parameter lists as JSON, as a table `n` with the column `name`.
    fn names(self) -> &'static str {
        self.either(
            "json_array_elements_text($1::text::json) n(name)",
            "(select value as name from json_each($1)) n",
        )
    }
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

fn interval(backend: impl Dialect, parameter: u8) -> String {
    match backend.is_postgres() {
        true => format!("make_interval(secs => ${parameter})"),
        false => format!("${parameter}"),
    }
}
