//! The log, one page at a time. The cursors of the list are those of the log, so a subscription can continue a page.

use async_graphql::{Context, Object, SimpleObject};
use events::{Cursor, CursorError, LogPlace};

use super::{inputs::EventLogFilter, logged_event::LoggedEvent};
use crate::{
    connection::{Connection, EdgeCursor, PageArguments},
    error::Result,
    request::{entities, viewer},
};

pub(crate) type LoggedEventConnection = Connection<LoggedEvent, EventLogSearch>;

#[derive(Default)]
pub(crate) struct LogQuery;

/// The extent of a page of the log.
#[derive(SimpleObject)]
pub(crate) struct EventLogSearch {
    /// The cursor at which the search for matching events stopped, as a page examines at most 100,000 events. Null when the
    /// search was complete. Otherwise the page may be empty: continue with `after` this cursor, or with `before` it when
    /// `last` was given.
    searched_to: Option<String>,
}

/// Returns the position of a cursor of this log.
async fn position_after(ctx: &Context<'_>, text: &str) -> Result<u64> {
    let cursor: Cursor = text.parse()?;
    let resolved = entities(ctx).log.resolve(cursor).await?;
    Ok(resolved?.position)
}

/// Does the same even if the events there were pruned: no events after them are requested.
async fn position_before(ctx: &Context<'_>, text: &str) -> Result<u64> {
    let cursor: Cursor = text.parse()?;
    let resolved = entities(ctx).log.resolve(cursor).await;
    match resolved? {
        Ok(_) | Err(CursorError::Expired) => Ok(cursor.position),
        Err(cause) => Err(cause.into()),
    }
}

#[Object]
impl LogQuery {
    /// The events of the log, in the order of their positions. Give `first` with `after`, or
    /// `last` with `before`; without both, the first 20. `last: 20` shows what happened last. Requires the role ADMIN.
    async fn event_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first n items, from 1 to 100.")] first: Option<i32>,
        #[graphql(
            desc = "Starts after this cursor, which is that of an event or `extensions.cursor` of any response."
        )]
        after: Option<String>,
        #[graphql(desc = "Returns the last n items, from 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Returns the events that come before this cursor.")] before: Option<
            String,
        >,
        #[graphql(desc = "Restricts the list to matching events.")] filter: Option<EventLogFilter>,
    ) -> Result<Option<LoggedEventConnection>> {
        let arguments = PageArguments::from((first, after, last, before));
        let (limit, from_end) = arguments.extent()?;
        let PageArguments { after, before, .. } = arguments;
        let filter = filter.unwrap_or_default().into_filter()?;
        let epoch = entities(ctx).log.tail().cursor().epoch;
        let after = match &after {
            Some(after) => Some(position_after(ctx, after).await?),
            None => None,
        };
        let before = match &before {
            Some(before) => Some(position_before(ctx, before).await?),
            None => None,
        };
        let place = LogPlace {
            after,
            before,
            limit,
            from_end,
        };
        let page = entities(ctx)
            .operations
            .browse_log(viewer(ctx)?, &filter, place)
            .await?;
        let searched_to = match page.searched_to {
            Some(position) => Some(entities(ctx).log.cursor_at(position).await),
            None => None,
        };
        let searched_to = searched_to.transpose()?;
        let search = EventLogSearch {
            searched_to: searched_to.map(|cursor| cursor.to_string()),
        };
        let edges = page.events.into_iter().map(|event| {
            let cursor = Cursor::behind(&event, epoch).to_string();
            let cursor = EdgeCursor::Text(cursor);
            (cursor, LoggedEvent::new(event.into(), epoch))
        });
        let more = (page.has_previous, page.has_next);
        Ok(Some(Connection::new(more, edges, search)))
    }
}
