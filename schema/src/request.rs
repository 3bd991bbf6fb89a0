//! The context of the request that resolvers serve. The gateway puts it into every request.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::{Context, context::DataContext};
use entities::{Cached, CommandContext, Entities, Idempotency, access::Viewer};
use events::{AsOf, Horizon, Receipt, trace};

pub(crate) use crate::reads::Read;
use crate::{
    error::{Result, codes, error},
    reads::Reads,
};

/// The idempotency key of a request, with a digest of the request.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// The key that the client sent.
    pub key: String,
    /// The digest of document, operation name and variables.
    pub fingerprint: Vec<u8>,
}

/// The context of the request that resolvers serve.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The caller.
    pub viewer: Viewer,
    /// The client's address, if it is known.
    pub client_address: Option<IpAddr>,
    /// What the client's program says about itself, if it does.
    pub user_agent: Option<Arc<str>>,
    /// The id under which the request is logged.
    pub request_id: String,
    /// The W3C trace context, if the client sent one.
    pub traceparent: Option<String>,
    /// The client's idempotency key, if it sent one.
    pub idempotency: Option<IdempotencyKey>,
    /// Records the events that the request has written.
    pub receipt: Receipt,
    /// Whether the request waited for earlier writes of its client: then it must not get older values.
    pub is_read_after: bool,
    /// Records that something in the response may be stale.
    pub staleness: Staleness,
    /// Records the position that the response includes.
    pub horizon: Horizon,
    /// Records what the response was read from, if it is that of a live query.
    pub reads: Reads,
}

/// Whether the response shows something that may be older than its cursor.
#[derive(Debug, Clone, Default)]
pub struct Staleness(Arc<AtomicBool>);

impl Staleness {
    /// Returns whether the response may be stale.
    pub fn is_stale(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Returns the value of a cached one; a value that may be stale marks the response.
pub(crate) fn with_staleness<T>(ctx: &Context<'_>, cached: Cached<T>) -> Result<T> {
    if cached.is_stale {
        let request = ctx.data::<RequestContext>()?;
        if request.is_read_after {
            let message =
                "what you wrote cannot be read now; try again, or read without waiting for it";
            return Err(error(codes::UNAVAILABLE, message));
        }
        request.staleness.0.store(true, Ordering::Release);
        if let Some(position) = cached.shows {
            request.horizon.lower(position);
        }
    }
    Ok(cached.value)
}

/// Returns the record of the position that the response includes.
pub(crate) fn horizon(ctx: &Context<'_>) -> Result<Horizon> {
    Ok(ctx.data::<RequestContext>()?.horizon.clone())
}

/// Returns the result of a read model; the response's cursor becomes no later than what the result shows.
pub(crate) fn shown<T>(ctx: &Context<'_>, read: AsOf<T>) -> Result<T> {
    if let Some(reads) = reads(ctx) {
        reads.note_read_model();
    }
    Ok(read.show(&horizon(ctx)?))
}

/// Returns the record of what the request reads.
pub(crate) fn reads<'a>(ctx: &impl DataContext<'a>) -> Option<&'a Reads> {
    ctx.data_opt::<RequestContext>().map(|it| &it.reads)
}

/// Returns the domains. As it is not told what is read, every event counts.
pub(crate) fn entities<'a>(ctx: &impl DataContext<'a>) -> &'a Entities {
    if let Some(reads) = reads(ctx) {
        reads.note_everything();
    }
    ctx.data_unchecked::<Entities>()
}

/// Returns the domains, to read this and nothing else.
pub(crate) fn reading<'a>(ctx: &impl DataContext<'a>, read: Read) -> &'a Entities {
    if let Some(reads) = reads(ctx) {
        reads.note(read);
    }
    ctx.data_unchecked::<Entities>()
}

/// Returns the caller.
pub(crate) fn viewer<'a>(ctx: &Context<'a>) -> Result<&'a Viewer> {
    Ok(&ctx.data::<RequestContext>()?.viewer)
}

/// Returns the client's address, for limits by address.
pub(crate) fn client_address(ctx: &Context<'_>) -> Result<Option<IpAddr>> {
    Ok(ctx.data::<RequestContext>()?.client_address)
}

/// Returns what the client's program says about itself.
pub(crate) fn user_agent(ctx: &Context<'_>) -> Result<Option<Arc<str>>> {
    Ok(ctx.data::<RequestContext>()?.user_agent.clone())
}

/// Returns the context of the mutation field being resolved. A document may contain several, and each has its own stored
/// answer, under the key and its path in the response.
pub(crate) fn command_context(ctx: &Context<'_>) -> Result<CommandContext> {
    let request = ctx.data::<RequestContext>()?;
    let idempotency = request.idempotency.as_ref().map(|idempotency| Idempotency {
        key: match &ctx.path_node {
            Some(path) => format!("{}#{path}", idempotency.key),
            None => idempotency.key.clone(),
        },
        fingerprint: idempotency.fingerprint.clone(),
    });
    Ok(CommandContext {
        viewer: request.viewer.clone(),
        request_id: Some(request.request_id.clone()),
        // What the command appends is caused by the field, if that is recorded.
        traceparent: trace::current()
            .map(|context| context.to_string())
            .or_else(|| request.traceparent.clone()),
        idempotency,
        receipt: request.receipt.clone(),
        horizon: request.horizon.clone(),
    })
}
