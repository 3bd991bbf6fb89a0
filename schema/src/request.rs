//! What resolvers know of the request they serve. The gateway puts it into every request.

use std::net::IpAddr;

use async_graphql::{Context, Result};
use entities::{CommandContext, Entities, Idempotency, access::Viewer};
use events::Receipt;

/// The client's key for a request, and a digest of the request.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// As the client sent it.
    pub key: String,
    /// Of document, operation name and variables.
    pub fingerprint: Vec<u8>,
}

/// See the module.
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
    })
}
