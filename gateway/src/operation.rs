//! The seam between transports and execution: a transport hands over a request whose document is parsed, resolved and within limits, and
//! receives answers. Nothing here knows a transport, and no transport knows a schema.

use std::future::Future;
use std::net::IpAddr;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Executor, Request, Response, ServerError};
use bytes::Bytes;
use entities::users::UserId;
use futures::stream::{BoxStream, Stream, StreamExt};

use crate::{
    credentials::Credentials,
    document::{Plan, plan_of},
    errors, response,
};

pub use async_graphql::parser::types::OperationType;

/// Executes operations. Every request carries in its data its plan, [`RequestId`](crate::request_id::RequestId),
/// [`OperationType`], for a live query its [`Terms`](crate::document::Terms), and, when the client sent them,
/// [`IdempotencyKey`](crate::params::IdempotencyKey) with [`RequestFingerprint`](crate::params::RequestFingerprint),
/// [`ReadAfter`](crate::params::ReadAfter), and [`ResumeAfter`](crate::params::ResumeAfter).
pub trait Operations: Clone + Send + Sync + 'static {
    type Stream: Stream<Item = Payload> + Send + Unpin + 'static;
    /// The caller. On a socket, operations begun under a caller see its renewal.
    type Caller: Clone + Send + Sync + 'static;

    /// Decides whether to admit a request or a socket, by the client's credentials.
    fn admit(
        &self,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Self::Caller, ServerError>> + Send;

    /// Decides on a new token for a socket; the result is the caller from now on.
    fn renew(
        &self,
        caller: &Self::Caller,
        token: String,
    ) -> impl Future<Output = Result<Self::Caller, ServerError>> + Send + 'static;

    /// Lives as long as the caller's socket; resolves when that has to be closed. It reacts to everything that happens after this call,
    /// even before the first poll.
    fn stay(&self, caller: &Self::Caller) -> impl Future<Output = Departure> + Send + 'static;

    /// Resolves when a response that streams to the caller has to end, though its operation may continue.
    fn disconnected(&self, caller: &Self::Caller) -> impl Future<Output = ()> + Send + 'static;

    /// Returns the caller's user, if the caller has signed in.
    fn user(&self, _: &Self::Caller) -> Option<UserId> {
        None
    }

    /// Returns the address that the caller calls from, if it is known.
    fn address(&self, _: &Self::Caller) -> Option<IpAddr> {
        None
    }

    /// Decides whether the caller is one of those who operate the installation, whom no rate limit stops.
    fn is_operator(&self, _: &Self::Caller) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
    }

    /// Returns the cursor of the present, if there are cursors: a subscription from it gets all that happens after this call.
    fn present(&self) -> Option<String> {
        None
    }

    /// Returns a cursor from which this subscription, begun after this call, can be begun again without missing anything.
    fn beginning(&self, _: &Request) -> Option<String> {
        self.present()
    }

    /// Runs a query or a mutation to its one answer. Transports drop the future when the client is gone or the time
    /// is over; a mutation that has begun must run to its end regardless.
    fn execute(
        &self,
        request: Request,
        caller: &Self::Caller,
    ) -> impl Future<Output = Response> + Send;

    /// Starts a subscription or a live query, or returns why not. Dropping the stream ends it. The stream is polled only when its client
    /// has room, so between polls it must bound what it keeps, and hold nothing that others wait for.
    fn subscribe(
        &self,
        request: Request,
        caller: &Self::Caller,
    ) -> impl Future<Output = Result<Self::Stream, Vec<ServerError>>> + Send;
}

/// Why a caller has to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The caller no longer has any rights here.
    Forbidden,
    /// An administrator closes the user's sockets; they may come back.
    Disconnected,
}

/// One step of a subscription.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A serialized execution result (`{"data":…}`, UTF-8), shared by all who receive it.
    Next(Bytes),
    /// Ends the operation with errors.
    Error(Vec<ServerError>),
}

/// Runs operations directly on an executor: everybody is admitted, and every subscription is executed on its own.
#[derive(Clone)]
pub struct Direct<E>(pub E);

impl<E: Executor> Operations for Direct<E> {
    type Stream = BoxStream<'static, Payload>;
    type Caller = ();

    async fn admit(&self, _: Credentials) -> Result<(), ServerError> {
        Ok(())
    }

    fn renew(
        &self,
        (): &(),
        _: String,
    ) -> impl Future<Output = Result<(), ServerError>> + Send + 'static {
        std::future::ready(Ok(()))
    }

    fn stay(&self, (): &()) -> impl Future<Output = Departure> + Send + 'static {
        std::future::pending()
    }

    fn disconnected(&self, (): &()) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }

    async fn execute(&self, mut request: Request, (): &()) -> Response {
        if let Some(plan) = plan_of(&request).cloned() {
            request.set_parsed_query(ExecutableDocument::clone(plan.document()));
        }
        self.0.execute(request).await
    }

    async fn subscribe(
        &self,
        mut request: Request,
        (): &(),
    ) -> Result<Self::Stream, Vec<ServerError>> {
        let plan = plan_of(&request).cloned();
        if let Some(plan) = &plan {
            request.set_parsed_query(ExecutableDocument::clone(plan.document()));
        }
        let stream = self.0.execute_stream(request, None);
        let payloads = stream.map(move |answer| into_payload(answer, plan.as_deref()));
        Ok(payloads.boxed())
    }
}

fn into_payload(mut answer: Response, plan: Option<&Plan>) -> Payload {
    if errors::is_request_error(&answer) {
        return Payload::Error(answer.errors);
    }
    if let Some(plan) = plan {
        plan.complete(&mut answer);
    }
    Payload::Next(response::encode(&answer).into())
}
