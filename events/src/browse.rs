//! Browses the log: pages of the events that match a filter, by position, in both directions. The cost of a page is bounded. A
//! filter that an index shows to match few events is answered from that index, however long the log is. Otherwise the search goes
//! through at most `SEARCHED` positions from the page's place, and a page that is not full by then tells how far it has searched.
//! Nothing is missed: positions are dense, and each is examined or known not to match.

mod statements;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{DatabaseConnection, Event, EventLog, Result, boxed, read, sql::query};
use statements::{Way, few};

/// The number of positions that one statement searches.
const WINDOW: u64 = 10_000;
/// The number of positions that one page searches: some tenths of a second of work.
const SEARCHED: u64 = 100_000;

/// A filter of events. A field that is `None` matches all.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Events of this kind of stream.
    pub stream: Option<String>,
    /// Events of the streams with this id.
    pub stream_id: Option<Uuid>,
    /// Events of any of these types.
    pub types: Option<Vec<String>>,
    /// Events caused by this actor.
    pub actor: Option<String>,
    /// Events that happened at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Events that happened before this time.
    pub before: Option<DateTime<Utc>>,
}

/// Which page of the matching events to return.
#[derive(Debug, Clone, Copy)]
pub struct LogPlace {
    /// Only events after this position.
    pub after: Option<u64>,
    /// Only events before this position.
    pub before: Option<u64>,
    /// The most events to return.
    pub limit: u64,
    /// Whether to take the last events rather than the first.
    pub from_end: bool,
}

/// A page of events, by position.
#[derive(Debug)]
pub struct LogPage {
    /// The events.
    pub events: Vec<Event>,
    /// Whether there are, or may be, matching events in front of the page.
    pub has_previous: bool,
    /// Whether there are, or may be, matching events behind it.
    pub has_next: bool,
    /// The position at which the search stopped early; `None` when it did not. The next page begins behind it, or before it when
    /// the page was taken from the end.
    pub searched_to: Option<u64>,
}

impl EventLog {
    /// Returns a page of the events that match.
    #[boxed]
    pub async fn browse(&self, filter: &LogFilter, place: LogPlace) -> Result<LogPage> {
        let database = &self.database().queries;
        let head = read::read_head(database).await?;
        // Positions in (low, high].
        let low = place.after.unwrap_or(0).max(head.pruned);
        let end = place
            .before
            .map_or(head.position, |before| before.saturating_sub(1));
        let high = end.min(head.position).max(low);
        let (mut events, searched_to) = match few(database, filter).await? {
            Some(way) => {
                let read = select(database, filter, way, (low, high), place, place.limit + 1);
                (read.await?, None)
            }
            None => search(database, filter, (low, high), place).await?,
        };
        let has_more = events.len() as u64 > place.limit || searched_to.is_some();
        events.truncate(place.limit as usize);
        if place.from_end {
            events.reverse();
        }
        Ok(LogPage {
            events,
            has_previous: if place.from_end {
                has_more
            } else {
                place.after.is_some()
            },
            has_next: if place.from_end {
                place.before.is_some()
            } else {
                has_more
            },
            searched_to,
        })
    }

    /// Returns the event at this position; `None` when there is none, or it was pruned.
    #[boxed]
    pub async fn event_at(&self, position: u64) -> Result<Option<Event>> {
        let database = &self.database().queries;
        let before = position.saturating_sub(1);
        let events = read::read_after(database, None, before, position, 1).await?;
        Ok(events.into_iter().next())
    }
}

/// Searches the positions in the direction of travel, for one event more than the page has.
async fn search(
    database: &DatabaseConnection,
    filter: &LogFilter,
    (low, high): (u64, u64),
    place: LogPlace,
) -> Result<(Vec<Event>, Option<u64>)> {
    let wanted = place.limit + 1;
    let mut events = Vec::new();
    let (mut low, mut high) = (low, high);
    let mut left = SEARCHED;
    while low < high {
        if left == 0 {
            let reached = if place.from_end { high + 1 } else { low };
            return Ok((events, Some(reached)));
        }
        let length = WINDOW.min(high - low).min(left);
        let window = match place.from_end {
            true => (high - length, high),
            false => (low, low + length),
        };
        let missing = wanted - events.len() as u64;
        let way = Way::Positions;
        events.extend(select(database, filter, way, window, place, missing).await?);
        if events.len() as u64 >= wanted {
            break;
        }
        match place.from_end {
            true => high = window.0,
            false => low = window.1,
        }
        left -= length;
    }
    Ok((events, None))
}

/// Returns at most `limit` matching events of the range, in the direction of travel.
async fn select(
    database: &DatabaseConnection,
    filter: &LogFilter,
    way: Way,
    range: (u64, u64),
    place: LogPlace,
    limit: u64,
) -> Result<Vec<Event>> {
    let backend = database.get_database_backend();
    let sql = statements::select(backend, way, place.from_end, limit);
    let values = statements::values(filter, range);
    let rows = query(database, &sql, values).await?;
    rows.iter().map(read::from_row).collect()
}
