//! The history of an object: its events, for people and audits.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{HistoryPage, Versions, access::AccessError};
use events::Cursor;
use futures::future::BoxFuture;

use crate::{
    actor::ActorRef,
    connection::{Connection, EdgeCursor, PageArguments},
    error::{Result, codes, error, internal},
    json::Json,
    request::{Read, reading},
};

/// One thing that happened, as it was recorded.
pub(crate) struct Event {
    pub(crate) event: events::Event,
    pub(crate) epoch: u32,
}

/// An event of an object: one thing that happened to it, as it was recorded.
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
    async fn actor(&self) -> ActorRef {
        self.event.meta.actor.as_str().into()
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
pub(crate) type History = Connection<Event, HistoryFields>;

/// Returns the version that a cursor of a history stands for.
fn version_of(cursor: &str) -> Result<i64> {
    let version = cursor.strip_prefix('v').and_then(|it| it.parse().ok());
    version.filter(|version| *version >= 0).ok_or_else(|| {
        error(
            codes::CURSOR_INVALID,
            "this is not a cursor of this history",
        )
    })
}

/// Returns the page for the arguments of a field. `read` returns the events of these versions; the field notes whose they are.
pub(crate) async fn connect<'a>(
    ctx: &Context<'_>,
    arguments: impl Into<PageArguments>,
    read: impl FnOnce(Versions) -> BoxFuture<'a, Result<Arc<HistoryPage>, AccessError>>,
) -> Result<Option<History>> {
    let arguments = arguments.into();
    let (limit, from_end) = arguments.extent()?;
    let after = arguments.after.as_deref().map_or(Ok(0), version_of)?;
    let before = arguments.before.as_deref().map(version_of).transpose()?;
    // The epoch is read before the page.
    let epoch = reading(ctx, Read::Noted).log.tail().cursor().epoch;
    let of = Versions {
        after,
        before,
        limit,
        from_end,
    };
    let page = read(of).await?;
    let fields = HistoryFields {
        first_version: page.first_version,
    };
    let (has_previous, has_next) = match from_end {
        false => (after > 0, page.has_more),
        true => (page.has_more, before.is_some()),
    };
    let edges = page.events.iter().cloned().map(|event| {
        let cursor = EdgeCursor::Text(format!("v{}", event.version));
        (cursor, Event { event, epoch })
    });
    let more = (has_previous, has_next);
    Ok(Some(Connection::new(more, edges, fields)))
}
