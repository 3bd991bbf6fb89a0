//! The history of an object: its events, for people and audits.

use async_graphql::{
    Context, Object, SimpleObject,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use entities::{Versions, access::AccessError};
use events::{Cursor, HistoryPage};
use futures::future::BoxFuture;

use crate::{
    connection::{OpaqueCursor, checked},
    error::{Result, codes, error, internal},
    json::Json,
    request::{Read, reading},
};

/// One thing that happened, as it was recorded.
pub(crate) struct Event {
    pub(crate) event: events::Event,
    pub(crate) epoch: u32,
}

#[Object]
impl Event {
    /// The event's place in the log, for `after` of subscriptions; null for the instant until it has one.
    async fn cursor(&self) -> Option<String> {
        let cursor = Cursor::behind(&self.event, self.epoch);
        (self.event.position > 0).then(|| cursor.to_string())
    }

    /// What happened, such as `CustomerCreated`.
    #[graphql(name = "type")]
    async fn event_type(&self) -> &str {
        &self.event.event_type
    }

    /// The object's version after the event.
    async fn version(&self) -> i64 {
        self.event.version
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.event.meta.actor
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.event.occurred_at
    }

    /// The facts, as they were recorded.
    async fn data(&self) -> Result<Json> {
        Json::parse(self.event.data.get()).map_err(|cause| internal(&cause))
    }
}

/// What a history tells besides its events.
#[derive(SimpleObject)]
pub(crate) struct HistoryFields {
    /// The first version whose event there still is; if it is not 1, those before it were pruned. Null when all were.
    first_version: Option<i64>,
}

/// A page of the history of an object.
pub(crate) type History = Connection<OpaqueCursor, Event, HistoryFields>;

/// Returns the version that a history cursor stands for.
fn decode_after(after: Option<&str>) -> Result<i64> {
    match after {
        None => Ok(0),
        Some(text) => text
            .strip_prefix('v')
            .and_then(|version| version.parse().ok())
            .filter(|version| *version >= 0)
            .ok_or_else(|| {
                error(
                    codes::CURSOR_INVALID,
                    "this is not a cursor of this history",
                )
            }),
    }
}

/// Returns the page for the arguments of a field. `read` returns the events of these versions; the field notes whose they are.
pub(crate) async fn connect<'a>(
    ctx: &Context<'_>,
    first: i32,
    after: Option<String>,
    read: impl FnOnce(Versions) -> BoxFuture<'a, Result<HistoryPage, AccessError>>,
) -> Result<Option<History>> {
    let limit = checked("first", first)?;
    let after = decode_after(after.as_deref())?;
    // The epoch is read before the page.
    let epoch = reading(ctx, Read::Noted).log.tail().cursor().epoch;
    let page = read(Versions { after, limit }).await?;
    let fields = HistoryFields {
        first_version: page.first_version,
    };
    let has_previous = after > 0;
    let mut connection = Connection::with_additional_fields(has_previous, page.has_more, fields);
    connection.edges = page
        .events
        .into_iter()
        .map(|event| {
            let cursor = OpaqueCursor(format!("v{}", event.version));
            Edge::new(cursor, Event { event, epoch })
        })
        .collect();
    Ok(Some(connection))
}
