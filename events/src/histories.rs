//! The histories of objects: pages of many streams in one statement, in both directions, and who wrote a version of each. Called by
//! the domains.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    Event, EventLog, Result, boxed,
    read::{columns, from_row},
    sql::{Dialect, OfEach, padded, places, query_as},
};

/// Selects events of a stream: the first ones between two versions, or the last ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Versions {
    /// Events after this version; 0 is before the first.
    pub after: i64,
    /// Events before this version.
    pub before: Option<i64>,
    /// The largest number of events.
    pub limit: u64,
    /// Whether to take the last events of the range instead of the first.
    pub from_end: bool,
}

/// A page of one stream's history, oldest first.
#[derive(Debug, Clone, Default)]
pub struct HistoryPage {
    /// The events. Position and previous are 0 for an event that is not numbered yet.
    pub events: Vec<Event>,
    /// Whether the range has more events: after these, or before them if they are the last of it.
    pub has_more: bool,
    /// The first version that the log has; those before it were pruned. `None` when it has none, or when it was not asked for.
    pub first_version: Option<i64>,
}

impl EventLog {
    /// Returns a page of each of these streams of `kind`.
    ///
    /// # Errors
    /// Fails when the database cannot be read.
    #[boxed]
    pub async fn read_histories(
        &self,
        kind: &'static str,
        ids: &[Uuid],
        of: Versions,
    ) -> Result<HashMap<Uuid, HistoryPage>> {
        let database = &self.database().queries;
        let backend = database.get_database_backend();
        let select = format!(
            "select {}, (select min(version) from event where stream_id = {{parent}} and stream = $1) as first_version
             from event e left join event_position p on p.inserted = e.inserted
             where e.stream_id = {{parent}} and e.stream = $1 and e.version > $2 and e.version < $3",
            columns(backend)
        );
        let order = match of.from_end {
            false => "version",
            true => "version desc",
        };
        let events = OfEach {
            select: &select,
            order,
            limit: of.limit + 1,
        };
        let before = of.before.unwrap_or(i64::MAX);
        let values = vec![kind.into(), of.after.into(), before.into()];
        let mut pages: HashMap<Uuid, HistoryPage> = HashMap::with_capacity(ids.len());
        for row in &events.query(database, ids, values).await? {
            let event = from_row(row)?;
            let page = pages.entry(event.stream_id).or_default();
            page.first_version = row.try_get("", "first_version")?;
            page.events.push(event);
        }
        for page in pages.values_mut() {
            page.has_more = page.events.len() as u64 > of.limit;
            page.events.truncate(of.limit as usize);
            if of.from_end {
                page.events.reverse();
            }
        }
        // Their ranges are empty, or nothing of them is left.
        let empty: Vec<Uuid> = ids
            .iter()
            .filter(|id| !pages.contains_key(id))
            .copied()
            .collect();
        if !empty.is_empty() && (of.after > 0 || of.before.is_some()) {
            let firsts = OfEach {
                select: "select stream_id, version from event where stream_id = {parent} and stream = $1",
                order: "version",
                limit: 1,
            };
            for row in firsts.query(database, &empty, vec![kind.into()]).await? {
                let page = pages.entry(row.try_get("", "stream_id")?).or_default();
                page.first_version = Some(row.try_get("", "version")?);
            }
        }
        Ok(pages)
    }

    /// Returns who wrote these versions of streams of `kind`, as far as the log has them.
    ///
    /// # Errors
    /// Fails when the database cannot be read.
    #[boxed]
    pub async fn read_actors(
        &self,
        kind: &'static str,
        versions: &[(Uuid, i64)],
    ) -> Result<HashMap<(Uuid, i64), String>> {
        let database = &self.database().queries;
        let versions = padded(versions);
        let pairs: Vec<_> = (0..versions.len())
            .map(|number| format!("({})", places(number * 2 + 2, 2)))
            .collect();
        let pairs = pairs.join(", ");
        // Each is looked up in the index, whatever Postgres believes about the size of the log.
        let sql = database.get_database_backend().either(
            "select e.stream_id, e.version, e.meta->>'actor' from (values {pairs}) as k (id, version) cross join lateral (
                 select * from event where stream_id = k.id::uuid and version = k.version::bigint and stream = $1 offset 0
             ) e",
            "select stream_id, version, json_extract(meta, '$.actor') from event
             where stream = $1 and (stream_id, version) in (values {pairs})",
        );
        let mut values = vec![kind.into()];
        for (id, version) in versions {
            values.extend([id.into(), version.into()]);
        }
        let rows: Vec<(Uuid, i64, String)> =
            query_as(database, &sql.replace("{pairs}", &pairs), values).await?;
        let actors = rows
            .into_iter()
            .map(|(id, version, actor)| ((id, version), actor));
        Ok(actors.collect())
    }
}
