//! The table of dead letters. A handler's letter is written in the transaction that makes its delivery dead, a follower's in the
//! transaction that moves the checkpoint past its event.

use std::{collections::HashSet, sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::Serialize;
use uuid::Uuid;

use super::{DeadLetter, LetterFilter, LetterKind, LetterRange, fingerprint::fingerprint};
use crate::{
    DatabaseTransaction, Error, Event, Result, Written, clock,
    sql::{
        Dialect, execute, from_i64, is_one_of, places, query, query_as, query_one, query_one_as,
        to_i64,
    },
};

/// The number of letters in one statement.
const BATCH_ROWS: usize = 1_000;

/// The owner of a letter, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Handler,
    Follower,
    /// A follower in the course of a rebuild, under a name of its own.
    Rebuild,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Follower => "follower",
            Self::Rebuild => "rebuild",
        }
    }
}

/// A letter to write.
pub(crate) struct Letter<'a> {
    pub(crate) consumer: &'a str,
    pub(crate) kind: Kind,
    pub(crate) event: &'a Event,
    /// The error; `None` if the event only waits behind another.
    pub(crate) error: Option<&'a str>,
    pub(crate) attempts: u32,
    /// How long ago it was first tried.
    pub(crate) since: Duration,
}

/// A letter as the database reads it from a single JSON parameter, so that the statement's text does not depend on their number.
#[derive(Serialize)]
struct Row<'a> {
    /// Ids are 32 hexadecimal digits.
    id: String,
    consumer: &'a str,
    kind: &'static str,
    position: i64,
    part: i16,
    stream: &'a str,
    stream_id: String,
    version: i64,
    r#type: &'a str,
    event_id: String,
    error: Option<&'a str>,
    fingerprint: Option<String>,
    attempts: i32,
    parked: bool,
    /// How many seconds ago it was first tried.
    since: f64,
}

impl<'a> Row<'a> {
    fn of(letter: &Letter<'a>) -> Self {
        let Letter {
            consumer,
            event,
            error,
            ..
        } = *letter;
        Self {
            id: Uuid::now_v7().simple().to_string(),
            consumer,
            kind: letter.kind.name(),
            position: to_i64(event.position),
            part: event.part,
            stream: &event.stream,
            stream_id: event.stream_id.simple().to_string(),
            version: event.version,
            r#type: &event.event_type,
            event_id: event.event_id.simple().to_string(),
            error,
            fingerprint: error.map(|error| fingerprint(consumer, &event.event_type, error)),
            attempts: i32::try_from(letter.attempts).unwrap_or(i32::MAX),
            parked: error.is_none(),
            since: letter.since.as_secs_f64(),
        }
    }
}

/// Writes letters. Those of later events have greater ids.
pub(crate) async fn insert(tx: &DatabaseTransaction, letters: &[Letter<'_>]) -> Result<()> {
    let backend = tx.get_database_backend();
    let now = backend.now();
    let (values, first_at, rows) = backend.either(
        (
            "id, consumer, kind, position, part, stream, stream_id, version, type, event_id, error, fingerprint, attempts, parked",
            "make_interval(secs => since)",
            "json_to_recordset($1::text::json) as row(id uuid, consumer text, kind text, position bigint, part smallint,
                 stream text, stream_id uuid, version bigint, type text, event_id uuid, error text, fingerprint text,
                 attempts integer, parked boolean, since float8)",
        ),
        (
            "unhex(value ->> 'id'), value ->> 'consumer', value ->> 'kind', value ->> 'position', value ->> 'part',
             value ->> 'stream', unhex(value ->> 'stream_id'), value ->> 'version', value ->> 'type',
             unhex(value ->> 'event_id'), value ->> 'error', value ->> 'fingerprint', value ->> 'attempts', value ->> 'parked'",
            "(value ->> 'since')",
            "json_each($1)",
        ),
    );
    let sql = format!(
        "insert into dead_letter (id, consumer, kind, position, part, stream, stream_id, version, type, event_id, error,
                                  fingerprint, attempts, parked, first_at, last_at)
         select {values}, {now} - {first_at}, {now} from {rows}"
    );
    for letters in letters.chunks(BATCH_ROWS) {
        let rows: Vec<_> = letters.iter().map(Row::of).collect();
        let rows = serde_json::to_string(&rows).map_err(|source| Error::Malformed {
            what: "dead letters",
            source,
        })?;
        execute(tx, &sql, vec![rows.into()]).await?;
    }
    Ok(())
}

/// Returns the streams of these events that have letters of the consumer. Nearly always there are none.
pub(super) async fn held_streams(
    tx: &DatabaseTransaction,
    consumer: &str,
    events: &[Arc<Event>],
) -> Result<HashSet<(String, Uuid)>> {
    let any = "select 1 as one from dead_letter where consumer = $1 limit 1";
    if query(tx, any, vec![consumer.into()]).await?.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: HashSet<Uuid> = events.iter().map(|event| event.stream_id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut values = vec![consumer.into()];
    let sql = format!(
        "select distinct stream, stream_id from dead_letter where consumer = $1 and {}",
        is_one_of(tx.get_database_backend(), "stream_id", &ids, &mut values)
    );
    Ok(query_as(tx, &sql, values).await?.into_iter().collect())
}

/// Returns whether one of the followers has set aside the event, or others of its stream that it waits behind or before.
pub(crate) async fn is_held(
    connection: &impl ConnectionTrait,
    followers: &[&str],
    written: &Written,
) -> Result<bool> {
    // No follower wants streams such as those of operations, and Postgres takes no empty list.
    if followers.is_empty() {
        return Ok(false);
    }
    let sql = format!(
        "select 1 as one from dead_letter
         where stream = $1 and stream_id = $2 and version <= $3 and consumer in ({}) limit 1",
        places(4, followers.len())
    );
    let mut values: Vec<Value> = vec![
        written.kind.as_str().into(),
        written.stream_id.into(),
        written.version.into(),
    ];
    values.extend(followers.iter().map(|follower| Value::from(*follower)));
    Ok(!query(connection, &sql, values).await?.is_empty())
}

/// Deletes the letters of a follower, or of an earlier rebuild of one.
pub(crate) async fn reset_rebuilt(tx: &DatabaseTransaction, consumer: &str) -> Result<()> {
    let sql = "delete from dead_letter where consumer = $1";
    execute(tx, sql, vec![consumer.into()]).await?;
    Ok(())
}

/// Replaces the letters of `follower` when its tables are replaced by rebuilt ones: the rebuilt tables lack what the rebuild has
/// set aside, and no longer what the live follower had.
pub(crate) async fn replace_by_rebuilt(
    tx: &DatabaseTransaction,
    follower: &str,
    rebuilt: &str,
) -> Result<()> {
    reset_rebuilt(tx, follower).await?;
    let sql = "update dead_letter set consumer = $1, kind = 'follower' where consumer = $2";
    execute(tx, sql, vec![follower.into(), rebuilt.into()]).await?;
    Ok(())
}

fn columns(connection: &impl ConnectionTrait) -> String {
    let backend = connection.get_database_backend();
    format!(
        "id, consumer, kind, position, stream, stream_id, version, type, event_id, error, fingerprint, attempts, parked,
         {} as first_at, {} as last_at",
        backend.seconds("first_at"),
        backend.seconds("last_at"),
    )
}

fn from_row(row: &QueryResult) -> Result<DeadLetter> {
    let kind: String = row.try_get("", "kind")?;
    Ok(DeadLetter {
        id: row.try_get("", "id")?,
        consumer: row.try_get("", "consumer")?,
        kind: match kind.as_str() {
            "handler" => LetterKind::Handler,
            _ => LetterKind::Follower,
        },
        position: from_i64(row.try_get("", "position")?),
        stream: row.try_get("", "stream")?,
        stream_id: row.try_get("", "stream_id")?,
        version: row.try_get("", "version")?,
        event_type: row.try_get("", "type")?,
        event_id: row.try_get("", "event_id")?,
        error: row.try_get("", "error")?,
        fingerprint: row.try_get("", "fingerprint")?,
        attempts: row.try_get::<i32>("", "attempts")?.unsigned_abs(),
        first_at: clock::read_time(row, "first_at")?.unwrap_or_default(),
        last_at: clock::read_time(row, "last_at")?.unwrap_or_default(),
        is_parked: row.try_get("", "parked")?,
    })
}

fn and(condition: &mut String, values: &mut Vec<Value>, comparison: &str, value: Option<Value>) {
    if let Some(value) = value {
        values.push(value);
        condition.push_str(&format!(" and {comparison} ${}", values.len()));
    }
}

fn condition(filter: &LetterFilter, values: &mut Vec<Value>) -> String {
    let mut condition = "kind <> 'rebuild'".to_owned();
    let (kind, id) = filter.stream.clone().unzip();
    for (comparison, value) in [
        ("consumer =", filter.consumer.clone().map(Value::from)),
        ("fingerprint =", filter.fingerprint.clone().map(Value::from)),
        ("stream =", kind.map(Value::from)),
        ("stream_id =", id.map(Value::from)),
    ] {
        and(&mut condition, values, comparison, value);
    }
    condition
}

pub(super) async fn list(
    connection: &impl ConnectionTrait,
    filter: &LetterFilter,
    range: &LetterRange,
) -> Result<Vec<DeadLetter>> {
    let mut values = Vec::new();
    let mut condition = condition(filter, &mut values);
    let after = range.after.map(Value::from);
    and(&mut condition, &mut values, "id >", after);
    let before = range.before.map(Value::from);
    and(&mut condition, &mut values, "id <", before);
    let sql = format!(
        "select {} from dead_letter where {condition} order by id {} limit {}",
        columns(connection),
        if range.from_end { "desc" } else { "asc" },
        range.limit
    );
    let rows = query(connection, &sql, values).await?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn count(connection: &impl ConnectionTrait, filter: &LetterFilter) -> Result<u64> {
    let mut values = Vec::new();
    let condition = condition(filter, &mut values);
    let sql = format!("select count(*) as count from dead_letter where {condition}");
    let count = query_one_as(connection, &sql, values).await?;
    Ok(count.map_or(0, from_i64))
}

pub(super) async fn find(
    connection: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<DeadLetter>> {
    let sql = format!(
        "select {} from dead_letter where id = $1 and kind <> 'rebuild'",
        columns(connection)
    );
    let row = query_one(connection, &sql, vec![id.into()]).await?;
    row.as_ref().map(from_row).transpose()
}

/// Returns the first letters of a stream, in the order of its events.
pub(super) async fn of_stream(
    tx: &DatabaseTransaction,
    letter: &DeadLetter,
    limit: u64,
) -> Result<Vec<DeadLetter>> {
    let sql = format!(
        "select {} from dead_letter where consumer = $1 and stream_id = $2 and stream = $3
         order by position limit {limit}",
        columns(tx)
    );
    let values: Vec<Value> = vec![
        letter.consumer.clone().into(),
        letter.stream_id.into(),
        letter.stream.clone().into(),
    ];
    let rows = query(tx, &sql, values).await?;
    rows.iter().map(from_row).collect()
}

/// Records another failure of a letter that is replayed.
pub(super) async fn record_failure(
    tx: &DatabaseTransaction,
    letter: &DeadLetter,
    error: &str,
) -> Result<()> {
    let sql = format!(
        "update dead_letter set error = $1, fingerprint = $2, attempts = attempts + 1, parked = $3, last_at = {}
         where id = $4",
        tx.get_database_backend().now()
    );
    let values: Vec<Value> = vec![
        error.into(),
        fingerprint(&letter.consumer, &letter.event_type, error).into(),
        false.into(),
        letter.id.into(),
    ];
    execute(tx, &sql, values).await?;
    Ok(())
}

/// Removes a letter; returns false if it is gone already.
pub(super) async fn remove(tx: &DatabaseTransaction, id: Uuid) -> Result<bool> {
    let sql = "delete from dead_letter where id = $1";
    Ok(execute(tx, sql, vec![id.into()]).await? == 1)
}
