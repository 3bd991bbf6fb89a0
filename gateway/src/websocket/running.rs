//! The operations of one socket. Their results are produced one at a time and only on request, and dropping the set cancels everything.
//! An operation that is not asked for a result must hold nothing that others wait for, such as a connection to the database, so
//! executions run in a task until they have their result. Streams are polled by the socket's own task, so an idle subscription costs no
//! task; they follow the same rule by themselves (see [`Operations::subscribe`]).

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_graphql::ServerError;
use bytes::Bytes;
use futures::FutureExt;
use futures::stream::{AbortHandle, Abortable, SelectAll, Stream, StreamExt, abortable};
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument;

use super::message;
use super::wire::Wire;
use crate::app::App;
use crate::dormant::WakeUps;
use crate::errors::{self, Code, typed};
use crate::operation::{Operations, Payload};
use crate::params::Params;
use crate::request_id::RequestId;
use crate::response;
use crate::trace_context;

/// Results up to this length are not counted while they wait for their client.
const SMALL: usize = 512;

/// What one step of an operation sends to its client.
pub(crate) enum Step {
    Next(Bytes),
    /// The one result of a query or mutation.
    Only(Bytes),
    Error(Vec<ServerError>),
    Complete,
}

/// A step with the operation it belongs to.
pub(crate) struct Stepped {
    pub(crate) operation: Arc<str>,
    pub(crate) step: Step,
}

/// Operations are known by their ids as JSON, as frames have them.
pub(crate) struct Running<O: Operations> {
    streams: SelectAll<Abortable<Operation<O>>>,
    wake_ups: WakeUps,
    active: HashMap<Arc<str>, AbortHandle>,
}

impl<O: Operations> Running<O> {
    pub(crate) fn new() -> Self {
        Self {
            streams: SelectAll::new(),
            wake_ups: WakeUps::new(),
            active: HashMap::new(),
        }
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.active.contains_key(id)
    }

    /// Returns the number of operations that the client knows to be active.
    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    pub(crate) fn start(
        &mut self,
        app: &Arc<App<O>>,
        caller: &O::Caller,
        id: &str,
        params: Params,
    ) {
        let request_id = RequestId::generate();
        let id: Arc<str> = id.into();
        let span = trace_context::of_streamed(params.trace, &params.extensions);
        let starting = start(app.clone(), caller.clone(), params, request_id.clone());
        let starting = async move { span.scope(starting).await };
        let operation = Operation {
            id: id.clone(),
            request_id,
            app: app.clone(),
            state: State::Starting(Starting(tokio::spawn(starting.in_current_span()))),
        };
        let (operation, handle) = abortable(operation);
        self.streams.push(operation);
        self.wake_ups.note();
        self.active.insert(id, handle);
    }

    /// Returns the number of operations that are held: those that were stopped as well, until they are next polled.
    pub(crate) fn held(&self) -> usize {
        self.streams.len()
    }

    /// Ends an operation silently; its id is free at once. Its stream is dropped when next polled.
    pub(crate) fn cancel(&mut self, id: &str) {
        if let Some(handle) = self.active.remove(id) {
            handle.abort();
        }
    }

    pub(crate) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Stepped>> {
        let Self {
            streams, wake_ups, ..
        } = self;
        let stepped = ready!(wake_ups.poll(cx, |cx| streams.poll_next_unpin(cx)));
        if let Some(Stepped { operation, step }) = &stepped
            && !matches!(step, Step::Next(_))
        {
            self.active.remove(operation);
        }
        Poll::Ready(stepped)
    }
}

enum Started<S> {
    Only(Bytes),
    Stream(S),
    Refused(Vec<ServerError>),
}

async fn start<O: Operations>(
    app: Arc<App<O>>,
    caller: O::Caller,
    params: Params,
    request_id: RequestId,
) -> Started<O::Stream> {
    let account = app.account(&caller);
    let payer = (&caller, &account);
    let asked = match app.prepare(params, None, payer, &request_id).await {
        Ok(asked) => asked,
        Err(errors) => return Started::Refused(errors),
    };
    if asked.prepared.is_streamed() {
        return match app.subscribe(asked, &caller, &request_id).await {
            Ok(stream) => Started::Stream(stream),
            Err(errors) => Started::Refused(errors),
        };
    }
    let answer = app.execute(asked, &caller, &request_id).await;
    if errors::is_request_error(&answer) {
        return Started::Refused(answer.errors);
    }
    let result = response::encode(&answer).into_boxed_slice();
    // It waits until the client has taken what is before it, which may be much, and may be never.
    Started::Only(match result.len() <= SMALL {
        true => result.into(),
        false => app.share_of(&caller).count(result),
    })
}

/// One operation, from its start to its end.
struct Operation<O: Operations> {
    id: Arc<str>,
    request_id: RequestId,
    app: Arc<App<O>>,
    state: State<O::Stream>,
}

enum State<S> {
    Starting(Starting<S>),
    Streaming(S),
    Over,
}

/// An execution that has no result yet. Dropping it cancels it.
struct Starting<S>(JoinHandle<Started<S>>);

impl<S> Drop for Starting<S> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<O: Operations> Stream for Operation<O> {
    type Item = Stepped;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Stepped>> {
        let this = self.get_mut();
        let step = loop {
            match &mut this.state {
                State::Starting(starting) => match ready!(starting.0.poll_unpin(cx)) {
                    Ok(Started::Stream(stream)) => this.state = State::Streaming(stream),
                    Ok(Started::Only(result)) => break Step::Only(result),
                    Ok(Started::Refused(errors)) => break Step::Error(errors),
                    Err(panicked) => break Step::Error(vec![failed(&panicked)]),
                },
                State::Streaming(stream) => match ready!(stream.poll_next_unpin(cx)) {
                    Some(Payload::Next(result)) => break Step::Next(result),
                    Some(Payload::Error(errors)) => break Step::Error(errors),
                    None => break Step::Complete,
                },
                State::Over => return Poll::Ready(None),
            }
        };
        let step = match step {
            Step::Next(result) => Step::Next(result),
            Step::Error(mut errors) => {
                this.state = State::Over;
                errors::finish(&mut errors, &this.request_id, this.app.documents.limits());
                Step::Error(errors)
            }
            step => {
                this.state = State::Over;
                step
            }
        };
        Poll::Ready(Some(Stepped {
            operation: this.id.clone(),
            step,
        }))
    }
}

fn failed(panicked: &JoinError) -> ServerError {
    tracing::error!(error = %panicked, "an operation failed");
    typed(Code::Internal, "An internal error occurred")
}

impl Stepped {
    /// Writes the frames that tell the client.
    pub(super) fn send(&self, wire: &mut Wire) {
        let id = &*self.operation;
        match &self.step {
            Step::Next(result) => wire.text(&message::next(id, result)),
            Step::Only(result) => {
                wire.text(&message::next(id, result));
                wire.text(&message::complete(id));
            }
            Step::Error(errors) => wire.text(&[message::error(id, errors).as_bytes()]),
            Step::Complete => wire.text(&message::complete(id)),
        }
    }
}
