//! Which events are old enough. Their times are by the clocks of the processes that wrote them, one of which may have been ahead by years:
//! a time in the future says nothing, and such an event is as old as what follows it. Called by pruning and archiving.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, Value};

use crate::{
    Database, Result,
    sql::{from_i64, query_one_as, to_i64},
};

const EVENTS: &str = "event_position p join event e on e.inserted = p.inserted";

/// Times by the database's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ages {
    /// Events from before this are old enough.
    cutoff: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Ages {
    /// Events are old enough at this age.
    pub(super) async fn new(database: &Database, age: Duration) -> Result<Self> {
        let now = database.time_before(Duration::ZERO).await?;
        let cutoff = now - age;
        Ok(Self { cutoff, now })
    }

    /// Returns the last position up to `until` of the events behind `from` that are old enough, as are all before them.
    pub(super) async fn old_until(
        self,
        connection: &impl ConnectionTrait,
        from: u64,
        until: u64,
    ) -> Result<u64> {
        let (cutoff, now) = (Value::from(self.cutoff), Value::from(self.now));
        let sql = format!(
            "select min(p.position) as position from {EVENTS}
             where p.position > $1 and p.position <= $2 and e.occurred_at >= $3 and e.occurred_at <= $4"
        );
        let place = |position: u64| Value::from(to_i64(position));
        let values = vec![place(from), place(until), cutoff.clone(), now.clone()];
        let young: Option<Option<i64>> = query_one_as(connection, &sql, values).await?;
        let young = young.flatten().map(from_i64);
        let end = young.map_or(until, |young| young - 1);
        let sql = format!(
            "select p.position from {EVENTS} where p.position > $1 and p.position <= $2 and e.occurred_at < $3
             order by p.position desc limit 1"
        );
        let values = vec![place(from), place(end), cutoff];
        let last: Option<i64> = query_one_as(connection, &sql, values).await?;
        let last = last.map_or(from, from_i64);
        if last == end || young.is_some() {
            return Ok(last);
        }
        // What comes last says nothing. If something later is old enough, so is this.
        let sql = format!(
            "select e.occurred_at from {EVENTS} where p.position > $1 and e.occurred_at <= $2 order by p.position limit 1"
        );
        let next: Option<DateTime<Utc>> =
            query_one_as(connection, &sql, vec![place(end), now]).await?;
        Ok(match next {
            Some(next) if next < self.cutoff => end,
            _ => last,
        })
    }
}
