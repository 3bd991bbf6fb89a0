//! Handlers: what each has to do, is doing, retries, and has recently done. Each count uses an index and ends at a bound, so a
//! backlog of millions costs no more than one of some thousands.

use sea_orm::{ConnectionTrait, DbBackend, QueryResult};

use super::{Lag, MOST_COUNTED, followers::count_letters};
use crate::{
    Result,
    sql::{Dialect, from_i64, query, query_as},
};

/// How far back completed deliveries are counted, in seconds.
const RECENT_SECONDS: f64 = 60.0;

/// A handler's deliveries, by state. Counts end at `MOST_COUNTED`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryCounts {
    /// The handler's name.
    pub name: String,
    /// Deliveries that no process has claimed, including those to be retried.
    pub waiting: u64,
    /// Those among the waiting that have failed before.
    pub retrying: u64,
    /// Deliveries that a process is working on.
    pub running: u64,
    /// Deliveries that were done in the last minute.
    pub done_last_minute: u64,
    /// Dead letters.
    pub dead: u64,
    /// Deliveries that are waiting or running, and the age of the first event among them.
    pub lag: Lag,
}

/// Counts the deliveries of all handlers that are known by name or have something to do.
pub(super) async fn read_deliveries(
    database: &impl ConnectionTrait,
    known: &[&str],
) -> Result<Vec<DeliveryCounts>> {
    let mut names: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
    names.extend(with_deliveries(database).await?);
    names.sort();
    names.dedup();
    let letters = count_letters(database, &names).await?;
    let backend = database.get_database_backend();
    let rows = query(
        database,
        &counts_statement(backend),
        vec![
            serde_json::Value::from(names).to_string().into(),
            (-RECENT_SECONDS).into(),
        ],
    )
    .await?;
    let counts = |row: &QueryResult| {
        let number = |column: &str| {
            let number: Option<i64> = row.try_get("", column)?;
            Ok::<_, crate::Error>(number.map_or(0, from_i64))
        };
        let name: String = row.try_get("", "name")?;
        let (waiting, running) = (number("waiting")?, number("running")?);
        let age: Option<f64> = row.try_get("", "age")?;
        let dead = letters.iter().find(|(of, _)| *of == name);
        Ok(DeliveryCounts {
            waiting,
            retrying: number("retrying")?,
            running,
            done_last_minute: number("done")?,
            dead: dead.map_or(0, |(_, letters)| *letters),
            lag: Lag {
                events: waiting + running,
                seconds: age.unwrap_or(0.0).max(0.0),
                is_estimate: waiting >= MOST_COUNTED,
            },
            name,
        })
    };
    rows.iter().map(counts).collect()
}

/// Returns the names that have deliveries, with as many look-ups as there are names.
async fn with_deliveries(database: &impl ConnectionTrait) -> Result<Vec<String>> {
    let sql = "with recursive names(name) as (
                   select min(handler) from delivery
                   union all
                   select (select min(d.handler) from delivery d where d.handler > names.name)
                   from names where names.name is not null)
               select name from names where name is not null";
    query_as(database, sql, Vec::new()).await
}

fn counts_statement(backend: DbBackend) -> String {
    let now = backend.now();
    let recent = backend.now_plus(2);
    let names = backend.names();
    let age = backend.either(
        format!("extract(epoch from {now} - e.occurred_at)::float8"),
        format!("{now} - unixepoch(e.occurred_at, 'subsec')"),
    );
    let of_state = |state: &str, order: &str, what: &str| {
        format!(
            "(select {what} from (select d.attempts, d.position from delivery d
              where d.handler = n.name and d.state = '{state}' order by d.{order} limit {MOST_COUNTED}) d)"
        )
    };
    let waiting = |what| of_state("waiting", "due_at", what);
    let running = |what| of_state("running", "leased_until", what);
    format!(
        "with counted as materialized (
             select n.name, {} as waiting, {} as retrying, {} as first_waiting, {} as running, {} as first_running
             from {names}),
         recent as materialized (
             select handler, count(*) as done from (
                 select d.handler from delivery d
                 where d.state in ('done', 'discarded') and d.last_at > {recent} and d.state = 'done' limit {limit}) d
             group by handler)
         select c.name, c.waiting, c.retrying, c.running, r.done,
                (select {age} from event_position p join event e on e.inserted = p.inserted
                 where p.position = case when c.first_running is null or c.first_waiting < c.first_running
                                         then c.first_waiting else c.first_running end) as age
         from counted c left join recent r on r.handler = c.name order by c.name",
        waiting("count(*)"),
        waiting("cast(sum(case when d.attempts > 0 then 1 else 0 end) as bigint)"),
        waiting("min(d.position)"),
        running("count(*)"),
        running("min(d.position)"),
        limit = 10 * MOST_COUNTED,
    )
}
