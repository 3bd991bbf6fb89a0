//! The subscriptions of operations: new events of the log, and the status of the workers.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use entities::{access::Action, grants::Requirement, operations::Operations};
use events::{EventSource, Topic};
use futures::{Stream, StreamExt, TryStreamExt};

use super::{
    inputs::{checked_types, stream_filter},
    logged_event::LoggedEvent,
    workers::WorkerStatus,
};
use crate::{
    error::Result,
    following::{follow, require},
    request::{entities, viewer},
};

#[derive(Default)]
pub(crate) struct OperationsSubscription;

#[Subscription]
impl OperationsSubscription {
    /// The events of the log, or those that match. With `after`, it starts with the events since that cursor, which may be
    /// `extensions.cursor` of any response. Every event is delivered once, in order. Requires the role ADMIN.
    async fn event_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Restricts the events to these types, such as `PostLiked`; at most 50.")]
        types: Option<Vec<String>>,
        #[graphql(desc = "Restricts the events to this kind of stream, such as `post`.")]
        stream: Option<String>,
        #[graphql(
            desc = "Restricts the events to this stream, such as `post_01h455vb4pex5vsknk084sn02q`."
        )]
        stream_id: Option<ID>,
        #[graphql(name = "after", desc = "The cursor to start after.")] _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<LoggedEvent>>> {
        let types = checked_types(types)?;
        let streams = stream_filter(stream, stream_id.as_ref())?;
        require(ctx, Requirement::Action(Action::ReadLog)).await?;
        // A kind that is unknown now may exist later.
        let kind = streams.kind.as_deref().and_then(Operations::stream_kind);
        let topic = match kind {
            Some(kind) => Topic {
                kind,
                id: streams.id,
            },
            None => Topic::EVERYTHING,
        };
        let source = ctx.data::<EventSource>()?.clone();
        let events = follow(ctx, topic)?.try_filter_map(move |(event, _)| {
            let is_of_type = |types: &Vec<String>| types.contains(&event.event_type);
            let is_wanted = streams.matches(&event) && types.as_ref().is_none_or(is_of_type);
            let epoch = source.cursor().epoch;
            let shown = is_wanted.then(|| {
                let logged = Arc::unwrap_or_clone(event).into();
                LoggedEvent::new(logged, epoch)
            });
            std::future::ready(Ok(shown))
        });
        Ok(events)
    }

    /// The status of the workers: first the current one, then every change, checked once a second. It cannot be resumed.
    /// Requires the role ADMIN.
    async fn worker_status(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<WorkerStatus>>> {
        require(ctx, Requirement::Action(Action::ReadOperations)).await?;
        let operations = &entities(ctx).operations;
        let known = operations.known_handlers().to_vec();
        let values = operations.watch_status(viewer(ctx)?).await?;
        let values = ctx.data::<EventSource>()?.follow_value(values);
        Ok(values.map(move |value| {
            let value = value?;
            Ok(WorkerStatus::new(&value.value, &known))
        }))
    }
}
