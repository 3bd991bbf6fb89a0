//! Arrays of requests, if they are enabled: all of them run at once, and are answered in one array, in their order.

use axum::http::StatusCode;
use axum::response::Response;

use super::accept::{self, MediaType};
use super::answering::compressed;
use super::refusal::Refusal;
use super::{Call, execute, idempotency_key, set_headers};
use crate::operation::Operations;
use crate::params::Params;
use crate::response;
use crate::trace_context;

pub(super) async fn answer<O: Operations>(
    call: &Call<'_, O>,
    text: &str,
) -> Result<Response, Refusal> {
    let settings = &call.app.http;
    if !settings.batching {
        return Err(Refusal::batching_disabled());
    }
    if idempotency_key(call.headers)?.is_some() {
        let message =
            "An Idempotency-Key header cannot cover a batch: use extensions.idempotencyKey";
        return Err(Refusal::bad_request(message));
    }
    let media_type = match call.media_type {
        MediaType::EventStream => {
            let message = "A batch cannot be answered as a stream";
            return Err(Refusal::bad_request(message));
        }
        MediaType::Multipart => accept::beside_multipart(call.headers),
        media_type => media_type,
    };
    let requests = Params::batch_from_json(text);
    let requests = call.paid(text.len(), requests).await?;
    if requests.is_empty() {
        return Err(Refusal::bad_request("The batch is empty"));
    }
    if requests.len() > settings.max_batch {
        return Err(Refusal::batch_too_long(settings.max_batch));
    }
    let running = requests.into_iter().map(|mut params| {
        set_headers(&mut params, call.headers);
        let span = trace_context::of_request(params.trace, &params.extensions);
        async move {
            let executed = span.scope(execute(call, params, None)).await?;
            // It waits for the others.
            let answer = response::encode(&executed.answer).into_boxed_slice();
            let answer = call.app.share_of(call.caller).count(answer);
            Ok::<_, Refusal>((answer, executed.compress_above()))
        }
    });
    let executed = futures::future::try_join_all(running).await?;
    let mut bytes = vec![b'['];
    for (index, (answer, _)) in executed.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        bytes.extend_from_slice(answer);
    }
    bytes.push(b']');
    // One answer that may not be compressed is enough.
    let above = executed.iter().map(|(_, above)| *above);
    let above = above.min().flatten();
    let (status, headers) = (StatusCode::OK, call.headers);
    Ok(compressed(status, media_type, bytes.into(), above, headers).await)
}
