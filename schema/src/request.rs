//! What resolvers know of the request they serve. The gateway puts it into every request.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::Context;
use entities::{Cached, CommandContext, Entities, Idempotency, access::Viewer};
use events::{AsOf, Horizon, Receipt};

use crate::error::{Result, codes, error};

/// The client's key for a request, and a digest of the request.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// As the client sent it.
    pub key: String,
    /// Of document, operation name and variables.
    pub fingerprint: Vec<u8>,
}

/// What resolvers know of the request they serve.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Who is calling.
    pub viewer: Viewer,
    /// From where, as far as that is known.
    pub client_address: Option<IpAddr>,
    /// Under which name the request is logged.
    pub request_id: String,
    /// The W3C trace context, if the client sent one.
    pub traceparent: Option<String>,
    /// Present when the client wants repeats to be recognized.
    pub idempotency: Option<IdempotencyKey>,
    /// Where it is noted what the request has written.
    pub receipt: Receipt,
    /// Whether it waited for what its client wrote: then nothing older will do.
    pub is_read_after: bool,
    /// Where it is noted that something in the response may be old.
    pub staleness: Staleness,
    /// Where it is noted how far the response sees.
    pub horizon: Horizon,
}

/// Whether something that a response shows may be older than its cursor.
#[derive(Debug, Clone, Default)]
pub struct Staleness(Arc<AtomicBool>);

impl Staleness {
    /// See the type.
    pub fn is_stale(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Takes a value out of a cache; one that may be old marks the response.
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

/// Where it is noted how far an answer sees.
pub(crate) fn horizon(ctx: &Context<'_>) -> Result<Horizon> {
    Ok(ctx.data::<RequestContext>()?.horizon.clone())
}

/// Takes out what was read of read models; the response's cursor is no later than what it shows.
pub(crate) fn shown<T>(ctx: &Context<'_>, read: AsOf<T>) -> Result<T> {
    Ok(read.show(&horizon(ctx)?))
}

/// The domains.
pub(crate) fn entities<'a>(ctx: &Context<'a>) -> &'a Entities {
    ctx.data_unchecked::<Entities>()
}

/// Who is calling.
pub(crate) fn viewer<'a>(ctx: &Context<'a>) -> Result<&'a Viewer> {
    Ok(&ctx.data::<RequestContext>()?.viewer)
}

/// From where the request came, for what is throttled by address.
pub(crate) fn client_address(ctx: &Context<'_>) -> Result<Option<IpAddr>> {
    Ok(ctx.data::<RequestContext>()?.client_address)
}

/// The context of the mutation field being resolved. A document may hold several, and each is remembered for itself,
/// under the key and its path in the response.
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
        traceparent: request.traceparent.clone(),
        idempotency,
        receipt: request.receipt.clone(),
        horizon: request.horizon.clone(),
    })
}
