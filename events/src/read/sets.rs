//! Reads the events of several topics by position, in one of two ways, each with a plan that holds for any parameters. Left to
//! itself the planner, which prepares these statements without knowing their values, reads the whole range again for every batch.
//! Reading by position costs what the range holds, in windows; reading by stream costs what the streams hold, every time. So only
//! a range longer than a window is read by stream, and only if the streams hold less than a window.

use sea_orm::{DbBackend, Value};

use super::{columns, from_row};
use crate::{
    DatabaseConnection, Event, Result,
    sql::{Dialect, query, query_one_as, to_i64},
    topic::Topics,
};

/// The number of positions, or of events of streams, that one statement examines: a few milliseconds of work.
pub(crate) const WINDOW: u64 = 4096;

/// Returns at most `limit` events of `topics`, which must not be empty, after `after` and up to `until`.
pub(super) async fn read_set(
    database: &DatabaseConnection,
    topics: &Topics,
    after: u64,
    until: u64,
    limit: u64,
) -> Result<Vec<Event>> {
    if until.saturating_sub(after) > WINDOW && hold_little(database, topics).await? {
        return select(database, topics, Way::Streams, after, until, limit).await;
    }
    let mut events = Vec::new();
    let mut from = after;
    while from < until && (events.len() as u64) < limit {
        let to = until.min(from + WINDOW);
        let missing = limit - events.len() as u64;
        events.extend(select(database, topics, Way::Positions, from, to, missing).await?);
        from = to;
    }
    Ok(events)
}

/// Returns whether the streams of `topics` have no more events than a window.
async fn hold_little(database: &DatabaseConnection, topics: &Topics) -> Result<bool> {
    if topics.by_kind().any(|(_, ids)| ids.is_none()) {
        return Ok(false);
    }
    let backend = database.get_database_backend();
    let mut values = Vec::new();
    // A union ends at its limit; alternatives in one condition would all be looked up first.
    let streams: Vec<_> = conditions(backend, topics, &mut values)
        .iter()
        .map(|condition| format!("select 1 from event e where {condition}"))
        .collect();
    let sql = format!(
        "select count(*) as events from ({} limit {}) counted",
        streams.join(" union all "),
        WINDOW + 1
    );
    let events: Option<i64> = query_one_as(database, &sql, values).await?;
    Ok(events.is_some_and(|events| events <= to_i64(WINDOW)))
}

/// How the events are found.
#[derive(Clone, Copy)]
enum Way {
    Positions,
    Streams,
}

async fn select(
    database: &DatabaseConnection,
    topics: &Topics,
    way: Way,
    after: u64,
    until: u64,
    limit: u64,
) -> Result<Vec<Event>> {
    let backend = database.get_database_backend();
    let mut values: Vec<Value> = vec![to_i64(after).into(), to_i64(until).into()];
    let wanted = conditions(backend, topics, &mut values).join(" or ");
    let range = "p.position > $1 and p.position <= $2";
    // A lateral query with an offset (Postgres) and a cross join (SQLite) run in the order written.
    let joined = match (backend, way) {
        (DbBackend::Postgres, Way::Positions) => format!(
            "event_position p cross join lateral
             (select * from event e where e.inserted = p.inserted and ({wanted}) offset 0) e where {range}"
        ),
        (DbBackend::Postgres, Way::Streams) => format!(
            "(select * from event e where {wanted} offset 0) e cross join lateral
             (select * from event_position p where p.inserted = e.inserted and {range} offset 0) p"
        ),
        (_, Way::Positions) => format!(
            "event_position p cross join event e on e.inserted = p.inserted where {range} and ({wanted})"
        ),
        (_, Way::Streams) => format!(
            "event e cross join event_position p on p.inserted = e.inserted where {range} and ({wanted})"
        ),
    };
    let columns = columns(backend);
    let sql = format!("select {columns} from {joined} order by p.position limit {limit}");
    let rows = query(database, &sql, values).await?;
    rows.iter().map(from_row).collect()
}

/// Builds one condition for each kind. The ids of a kind are one value, so that sets of all sizes share a statement; a query of
/// its own expands the list, once and not for each row.
fn conditions(backend: DbBackend, topics: &Topics, values: &mut Vec<Value>) -> Vec<String> {
    let of_kind = |(kind, ids): (&str, Option<&std::collections::HashSet<uuid::Uuid>>)| {
        values.push(kind.into());
        let stream = format!("e.stream = ${}", values.len());
        let Some(ids) = ids else {
            return stream;
        };
        let ids: Vec<_> = ids.iter().map(|id| id.simple().to_string()).collect();
        let number = values.len() + 1;
        if backend.is_postgres() {
            values.push(ids.join(",").into());
            let list = format!("(select string_to_array(${number}, ',')::uuid[])");
            format!("{stream} and e.stream_id = any ({list}::uuid[])")
        } else {
            values.push(format!("[\"{}\"]", ids.join("\",\"")).into());
            let list = format!("select unhex(value) from json_each(${number})");
            format!("{stream} and e.stream_id in ({list})")
        }
    };
    topics.by_kind().map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait;
    use uuid::Uuid;

    use super::*;
    use crate::{
        Topic,
        kit::{SqliteFile, topic},
        read::read_after,
    };

    /// More than a window, in which the first chats are busy and the later ones are not.
    const EVENTS: u64 = WINDOW + 2_000;

    async fn fill(database: &DatabaseConnection) {
        let sql = format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < {EVENTS})
             insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta,
                                occurred_at, previous)
             select randomblob(16), 0, case when i % 7 = 0 then 'inbox' else 'chat' end,
                    unhex(printf('%032x', case when i % 50 = 0 then i % 900 else i % 3 end)), i, 'Happened', 1, '{{}}',
                    '{{\"actor\":\"test\"}}', '2026-01-01T00:00:00Z', 0 from n"
        );
        database.execute_unprepared(&sql).await.expect("the events");
    }

    #[tokio::test]
    async fn both_ways_read_what_matches() {
        let (_file, database) = SqliteFile::create().await;
        fill(database.writer()).await;
        let database = &database.background;
        let all = read_after(database, None, 0, EVENTS, EVENTS)
            .await
            .expect("all events");
        assert_eq!(all.len() as u64, EVENTS);
        let inboxes = Topic {
            kind: "inbox",
            id: None,
        };
        let absent = topic("chat", Uuid::now_v7().as_u128());
        for (set, is_little) in [
            (vec![topic("chat", 50), topic("chat", 100)], true),
            (vec![topic("inbox", 1), topic("chat", 150), absent], true),
            (
                vec![topic("chat", 0), topic("chat", 1), topic("chat", 2)],
                false,
            ),
            (vec![topic("chat", 350), inboxes], false),
            (vec![absent, topic("order", 1)], true),
        ] {
            let topics: Topics = set.into_iter().collect();
            let found = hold_little(database, &topics).await.expect("a count");
            assert_eq!(found, is_little, "{topics:?}");
            for (after, until, limit) in [
                (0, EVENTS, 64),
                (0, EVENTS, EVENTS),
                (0, EVENTS, WINDOW),
                (WINDOW - 10, EVENTS - 3, 20),
                (99, 101, 64),
            ] {
                let wanted: Vec<u64> = all
                    .iter()
                    .filter(|event| after < event.position && event.position <= until)
                    .filter(|event| topics.matches(event))
                    .take(limit as usize)
                    .map(|event| event.position)
                    .collect();
                let chosen = read_after(database, Some(&topics), after, until, limit);
                let by_streams = select(database, &topics, Way::Streams, after, until, limit);
                let by_positions = select(database, &topics, Way::Positions, after, until, limit);
                for read in [chosen.await, by_streams.await, by_positions.await] {
                    let read = read.expect("a read");
                    let positions: Vec<_> = read.iter().map(|event| event.position).collect();
                    assert_eq!(positions, wanted, "{topics:?} {after} {until} {limit}");
                }
            }
        }
    }
}
