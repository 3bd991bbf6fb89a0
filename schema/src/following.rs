//! The common part of subscriptions to events: the permission is checked at the start and while the subscription is open, and
//! each event is shown as an object of its domain. The gateway decides where a subscription begins: it takes the argument
//! `after` out of the document, and gives each execution a source that begins there. Fields declare the argument for clients,
//! and do not use it.

use std::sync::Arc;

use async_graphql::Context;
use entities::grants::{Grant, Requirement};
use events::{Event, EventSource, Interest};
use futures::{Stream, StreamExt};

use crate::error::{Result, from_event};

/// Checks the caller's permission, now and while the subscription is open.
pub(crate) async fn require(ctx: &Context<'_>, requirement: Requirement) -> Result<()> {
    Ok(ctx.data::<Grant>()?.require(requirement).await?)
}

/// Returns the events of `interest`, each with the cursor after it.
pub(crate) fn follow<I: Interest>(
    ctx: &Context<'_>,
    interest: I,
) -> Result<impl Stream<Item = Result<(Arc<Event>, String)>> + use<I>> {
    let source = ctx.data::<EventSource>()?.clone();
    Ok(source.follow(interest).map(move |event| {
        let event = event?;
        let cursor = source.cursor_behind(&event).to_string();
        Ok((event, cursor))
    }))
}

/// Does the same, with each event converted by `show`.
pub(crate) fn follow_as<I, T, F>(
    ctx: &Context<'_>,
    interest: I,
    show: F,
) -> Result<impl Stream<Item = Result<T>> + use<I, T, F>>
where
    I: Interest,
    F: Fn(&Event, String) -> events::Result<T>,
{
    Ok(follow(ctx, interest)?.map(move |event| {
        let (event, cursor) = event?;
        show(&event, cursor).map_err(|cause| from_event(&cause))
    }))
}
