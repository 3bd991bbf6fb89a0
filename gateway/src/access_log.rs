//! What the log says of requests and sockets: a line each under the target `access`, what was slow under `slow`, and what was refused under
//! `audit`. Lines have names and ids only: never a variable, a token or a text that a client sent. Called by `App` and by sockets.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_graphql::{PathSegment, ServerError};
use entities::users::UserId;
use tracing::{Level, enabled};

use crate::document::Plan;
use crate::errors::code_of;
use crate::metrics::Outcome;
use crate::request_id::RequestId;
use crate::trace_context::{TraceContext, shortened};

/// From when on an operation is slow, in milliseconds; 0 if none is.
static SLOW_MS: AtomicU64 = AtomicU64::new(0);

/// Sets from when on an operation is slow; zero means never.
pub fn warn_of_operations_over(limit: Duration) {
    let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
    SLOW_MS.store(limit, Ordering::Relaxed);
}

/// The client that a line is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Who {
    pub(crate) user: Option<UserId>,
    pub(crate) address: Option<IpAddr>,
}

impl Who {
    fn user(&self) -> String {
        self.user.map(|user| user.to_string()).unwrap_or_default()
    }

    fn address(&self) -> String {
        let address = self.address.map(|address| address.to_string());
        address.unwrap_or_default()
    }
}

/// A request that has ended.
pub(crate) struct Ended<'a> {
    /// None if it was refused before its operation was known.
    pub(crate) plan: Option<&'a Plan>,
    pub(crate) kind: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    pub(crate) who: Who,
    pub(crate) id: &'a RequestId,
    /// The id of the trace that it belongs to.
    pub(crate) trace: Option<TraceContext>,
}

impl Ended<'_> {
    /// Writes the lines about it.
    pub(crate) fn tell(&self, errors: &[ServerError]) {
        let slow = SLOW_MS.load(Ordering::Relaxed);
        let is_slow = slow > 0 && self.took.as_millis() >= u128::from(slow);
        if is_slow || enabled!(target: "access", Level::INFO) {
            self.tell_request(is_slow);
        }
        // A list may refuse the same of each of its items.
        let mut told = Vec::new();
        let refused = errors.iter().filter(|it| code_of(it) == Some("FORBIDDEN"));
        for field in refused.map(|error| self.root_field(error)) {
            if !told.contains(&field) {
                told.push(field);
                self.tell_refused(field);
            }
        }
    }

    /// Returns the field at the root that failed, by the schema's name: an alias is a text of the client.
    fn root_field(&self, error: &ServerError) -> &str {
        match (error.path.first(), self.plan) {
            (Some(PathSegment::Field(key)), Some(plan)) => plan.root_field(key).unwrap_or_default(),
            _ => "",
        }
    }

    fn operation(&self) -> &str {
        let name = self.plan.and_then(Plan::operation_name);
        name.map_or("", |name| shortened(name))
    }

    fn tell_request(&self, is_slow: bool) {
        let Self { kind, id, .. } = self;
        let (operation, outcome) = (self.operation(), self.outcome.name());
        let (user, client) = (self.who.user(), self.who.address());
        let duration_ms = self.took.as_micros() as f64 / 1_000.0;
        let trace_id = self.trace_id();
        let trace_id = trace_id.as_deref();
        tracing::info!(
            target: "access",
            operation,
            "type" = kind,
            outcome,
            duration_ms,
            user,
            client,
            request_id = %id,
            trace_id,
            "answered a {kind}"
        );
        if is_slow {
            tracing::warn!(
                target: "slow",
                operation,
                "type" = kind,
                outcome,
                duration_ms,
                user,
                client,
                request_id = %id,
                trace_id,
                "the {kind} {operation} took {duration_ms} ms"
            );
        }
    }

    fn trace_id(&self) -> Option<String> {
        Some(self.trace?.trace_id().to_string())
    }

    fn tell_refused(&self, field: &str) {
        tracing::info!(
            target: "audit",
            what = "rights",
            operation = self.operation(),
            field,
            user = self.who.user(),
            client = self.who.address(),
            request_id = %self.id,
            trace_id = self.trace_id(),
            "refused: not within the rights of the user"
        );
    }
}

/// Tells that a client was not admitted, with the code of the refusal.
pub(crate) fn tell_not_admitted(error: &ServerError, address: Option<IpAddr>, id: &RequestId) {
    let code = code_of(error).unwrap_or_default();
    if matches!(code, "UNAUTHENTICATED" | "FORBIDDEN") {
        let who = Who {
            user: None,
            address,
        };
        tracing::info!(
            target: "audit",
            what = "token",
            code,
            client = who.address(),
            request_id = %id,
            "refused: the token is not valid"
        );
    }
}

pub(crate) fn tell_opened(address: Option<IpAddr>, id: &RequestId) {
    if enabled!(target: "access", Level::INFO) {
        let who = Who {
            user: None,
            address,
        };
        let client = who.address();
        tracing::info!(target: "access", client, request_id = %id, "a socket was opened");
    }
}

/// Tells that a socket has ended. Reasons that were sent may quote the client; the code says why.
pub(crate) fn tell_closed(code: Option<u16>, open_for: Duration, who: Who, id: &RequestId) {
    if enabled!(target: "access", Level::INFO) {
        let (user, client) = (who.user(), who.address());
        let duration_ms = open_for.as_millis() as u64;
        let why = why(code);
        tracing::info!(
            target: "access",
            code,
            why,
            duration_ms,
            user,
            client,
            request_id = %id,
            "a socket was closed: {why}"
        );
    }
}

const fn why(code: Option<u16>) -> &'static str {
    match code {
        None => "the client has left",
        Some(1001) => "the gateway stops, or the client was silent",
        Some(1002 | 1007 | 4400) => "the client sent what is not valid",
        Some(1008) => "a message was not finished in time",
        Some(1009) => "a message was too large",
        Some(1013) => "there is no room at the moment",
        Some(4401) => "an operation came before the connection was acknowledged",
        Some(4403) => "the client has no rights here",
        Some(4406) => "the client does not know the protocol",
        Some(4408) => "the connection was not initialised in time",
        Some(4409) => "an id of an operation was used twice",
        Some(4410) => "an administrator has disconnected the user",
        Some(4429) => "the connection was initialised twice",
        Some(_) => "closed",
    }
}
