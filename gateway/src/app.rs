//! The state that all transports share: the operations, the checked documents, the settings and the stop. Execution goes through here, so
//! that time limits and the completion of errors are the same on every transport.

use std::slice;
use std::sync::Arc;

use async_graphql::{Response, ServerError, Value};
use axum::http::{Extensions, HeaderMap};
use entities::users::network_of;
use events::Claimant;
use events::trace::{self, Span};
use futures::future::BoxFuture;
use tokio::time::Instant;
use tracing::Instrument;

use crate::access_log::{Ended, Who, tell_not_admitted};
use crate::budget::{Budget, Holder, Share};
use crate::connections::Client;
use crate::credentials::Credentials;
use crate::document::{self, Documents, Plan, Prepared};
use crate::errors::{self, Code, typed};
use crate::fair::Shares;
use crate::metrics::{METRICS, Outcome};
use crate::operation::{OperationType, Operations};
use crate::overdue::{Overdue, Unfinished};
use crate::params::{IdempotencyKey, Params};
use crate::persisted::Persisted;
use crate::rates::{Account, Limited, Rates};
use crate::request_id::RequestId;
use crate::shutdown::Shutdown;
use crate::trace_context::{self, TRACE_ID, TraceContext};
use crate::transports::{HttpSettings, WebSocketSettings};

pub(crate) struct App<O> {
    pub(crate) operations: O,
    pub(crate) documents: Documents,
    pub(crate) persisted: Persisted,
    pub(crate) rates: Rates,
    pub(crate) http: HttpSettings,
    pub(crate) websocket: WebSocketSettings,
    /// The bytes in transit to and from clients.
    pub(crate) transit: Budget,
    /// The sockets of users.
    pub(crate) sockets: Budget,
    pub(crate) shutdown: Shutdown,
    pub(crate) overdue: Overdue,
    pub(crate) shares: Arc<Shares>,
}

impl<O: Operations> App<O> {
    /// Returns the credentials that a request presents.
    pub(crate) fn credentials(&self, headers: &HeaderMap, extensions: &Extensions) -> Credentials {
        let client = extensions.get::<Client>();
        Credentials::from_request(headers, client.map(|client| client.address))
    }

    /// Returns an empty share of the transit budget for a client.
    pub(crate) fn share(&self, extensions: &Extensions) -> Share {
        let client = extensions.get::<Client>();
        let network = client.map(|client| Holder::network(client.address));
        self.transit.share([None, network])
    }

    /// Returns an empty share of the transit budget for a caller.
    pub(crate) fn share_of(&self, caller: &O::Caller) -> Share {
        self.transit.share(self.receivers(caller))
    }

    /// Returns who holds what a caller has not taken yet.
    fn receivers(&self, caller: &O::Caller) -> [Option<Holder>; 2] {
        [None, self.operations.address(caller).map(Holder::network)]
    }

    /// Decides, within the time limit, whether to admit a client.
    pub(crate) async fn admit(
        &self,
        credentials: Credentials,
        id: &RequestId,
    ) -> Result<O::Caller, ServerError> {
        let address = credentials.address;
        let admitting = self.operations.admit(credentials);
        let mut span = trace::detail("admit");
        let admitting = span.scope(admitting);
        let admitted = match tokio::time::timeout(self.http.request_timeout, admitting).await {
            Ok(admitted) => admitted,
            Err(_) => Err(self.timed_out()),
        };
        trace_context::note_errors(
            &mut span,
            admitted.as_ref().err().map_or(&[], slice::from_ref),
        );
        drop(span);
        if let Err(error) = &admitted {
            tell_not_admitted(error, address, id);
        }
        admitted
    }

    /// Returns whom the log names for a caller.
    pub(crate) fn who(&self, caller: &O::Caller) -> Who {
        Who {
            user: self.operations.user(caller),
            address: self.operations.address(caller),
        }
    }

    /// Returns the account from which the caller pays for operations.
    pub(crate) fn account(&self, caller: &O::Caller) -> Account {
        let user = self.operations.user(caller).map(Holder::User);
        let network = self.operations.address(caller).map(Holder::network);
        self.rates.account([user, network])
    }

    /// Checks a request, whose document may be a persisted one, completes its data (see `Documents::prepare`), and has it paid for.
    pub(crate) async fn prepare(
        &self,
        params: Params,
        key: Option<IdempotencyKey>,
        (caller, account): (&O::Caller, &Account),
        id: &RequestId,
    ) -> Result<Asked, Vec<ServerError>> {
        let began = Instant::now();
        let mut span = trace::detail("plan");
        let paying = self.check_and_pay(params, key, (caller, account), id);
        let paid = span.scope(paying).await;
        let refused = paid.as_ref().err();
        trace_context::note_errors(&mut span, refused.map_or(&[], Vec::as_slice));
        drop(span);
        if paid.is_err() {
            self.note_refused(began, self.who(caller), id);
        }
        paid.map(|prepared| Asked { prepared, began })
    }

    async fn check_and_pay(
        &self,
        params: Params,
        key: Option<IdempotencyKey>,
        (caller, account): (&O::Caller, &Account),
        id: &RequestId,
    ) -> Result<Prepared, Vec<ServerError>> {
        let one = |error| vec![error];
        // Who has nothing left is refused before anything is read.
        self.unless_limited(caller, self.rates.check(account))
            .await
            .map_err(one)?;
        let bytes = params.query.len();
        let claimant = self.claimant(caller);
        let checked = self.check(params, key, claimant, id).await;
        let prepared = checked.inspect_err(|_| self.rates.charge_refused(account, bytes))?;
        self.unless_limited(caller, self.rates.spend(account, prepared.price))
            .await
            .map_err(one)?;
        Ok(prepared)
    }

    async fn check(
        &self,
        mut params: Params,
        key: Option<IdempotencyKey>,
        claimant: Option<Claimant>,
        id: &RequestId,
    ) -> Result<Prepared, Vec<ServerError>> {
        let one = |error| vec![error];
        let candidate = self.persisted.resolve(&mut params).await.map_err(one)?;
        let preparing = async { self.documents.prepare(params, key, id) };
        let prepared = self.shares.run(claimant, preparing).await.map_err(one)??;
        if let Some(candidate) = candidate {
            self.persisted.keep(candidate);
        }
        Ok(prepared)
    }

    /// Counts a request that was refused before its operation was known.
    pub(crate) fn note_refused(&self, began: Instant, who: Who, id: &RequestId) {
        let (outcome, took) = (Outcome::Refused, began.elapsed());
        METRICS.operations.unknown().note(outcome, took);
        let ended = Ended {
            plan: None,
            kind: "unknown",
            outcome,
            took,
            who,
            id,
            trace: trace::current(),
        };
        ended.tell(&[]);
    }

    /// Counts a request that has been executed, and writes the lines about it.
    fn note_ended(
        &self,
        asked: &Executed,
        (outcome, errors): (Outcome, &[ServerError]),
        caller: &O::Caller,
        id: &RequestId,
    ) {
        let Executed {
            plan,
            is_live,
            began,
            trace,
        } = asked;
        let took = began.elapsed();
        plan.figures(*is_live).note(outcome, took);
        let ended = Ended {
            plan: Some(plan),
            kind: plan.type_name(*is_live),
            outcome,
            took,
            who: self.who(caller),
            id,
            trace: *trace,
        };
        ended.tell(errors);
    }

    /// Returns on whose behalf the caller's work is done.
    fn claimant(&self, caller: &O::Caller) -> Option<Claimant> {
        let user = self.operations.user(caller);
        let network = || Some(network_of(self.operations.address(caller)?));
        let user = user.map(|id| Claimant::User(id.uuid()));
        user.or_else(|| network().map(Claimant::Network))
    }

    /// Refuses callers who have spent too much, unless they operate the installation.
    pub(crate) async fn unless_limited(
        &self,
        caller: &O::Caller,
        spent: Result<(), Limited>,
    ) -> Result<(), ServerError> {
        match spent {
            Err(limited) if !self.operations.is_operator(caller).await => {
                Err(self.rates.refuse(&limited).await)
            }
            _ => Ok(()),
        }
    }

    /// Runs a query or a mutation within the time limit; if it runs resolvers, in a task of its own, so that the limit also holds for work
    /// that never yields.
    pub(crate) async fn execute(
        &self,
        asked: Asked,
        caller: &O::Caller,
        id: &RequestId,
    ) -> Response {
        let executed = asked.executed(false);
        let request = asked.prepared.request;
        let plan = document::plan_of(&request).cloned();
        let mut span = plan.as_ref().map_or_else(Span::default, |plan| {
            trace_context::of_operation(plan.type_name(false), plan.operation_name())
        });
        let told = document::asks_for_trace_of(&request).then(|| document::trace_of(&request));
        let (claimant, shares) = (self.claimant(caller), self.shares.clone());
        let (operations, by) = (self.operations.clone(), caller.clone());
        // It is large, and on its way into a task it would be copied several times.
        let running: BoxFuture<'static, Response> = Box::pin(async move {
            let executing = operations.execute(request, &by);
            let executed = shares.run(claimant, executing).await;
            executed.unwrap_or_else(|refused| Response::from_errors(vec![refused]))
        });
        let running = span.scope(running.instrument(span_of(id)));
        let limit = self.http.request_timeout;
        let answered = match &plan {
            // What runs no resolver yields wherever it waits.
            Some(plan) if plan.resolves_nothing() => {
                let answered = tokio::time::timeout(limit, running).await;
                answered.map_err(|_| Unfinished::Late)
            }
            _ => self.overdue.run(limit, running).await,
        };
        let mut answer = match answered {
            Ok(mut answer) => {
                // It began when there was room. Others that did may have taken that.
                let room = self.transit.check(&self.receivers(caller));
                match (&plan, room) {
                    (Some(plan), Err(spent)) if plan.kind() == OperationType::Query => {
                        answer = Response::from_errors(vec![spent.into_error()]);
                    }
                    (Some(plan), _) => plan.complete(&mut answer),
                    (None, _) => {}
                }
                errors::finish(&mut answer.errors, id, self.documents.limits());
                answer
            }
            Err(Unfinished::Late) => self.refused(vec![self.timed_out()], id),
            Err(Unfinished::Refused) => {
                let message = "Operations that took too long have not ended yet; try again";
                self.refused(vec![typed(Code::Unavailable, message)], id)
            }
            Err(Unfinished::Failed) => {
                let message = "An internal error occurred";
                self.refused(vec![typed(Code::Internal, message)], id)
            }
        };
        trace_context::note_errors(&mut span, &answer.errors);
        drop(span);
        if let Some(context) = told.flatten() {
            answer = answer.extension(TRACE_ID, context.trace_id().to_string().into());
        }
        if let Some(executed) = executed {
            let ended = (outcome_of(&answer), &*answer.errors);
            self.note_ended(&executed, ended, caller, id);
        }
        answer
    }

    /// Starts a subscription within the time limit. Its errors are not completed yet.
    pub(crate) async fn subscribe(
        &self,
        asked: Asked,
        caller: &O::Caller,
        id: &RequestId,
    ) -> Result<O::Stream, Vec<ServerError>> {
        let executed = asked.executed(asked.prepared.is_live);
        let mut span = executed.as_ref().map_or_else(Span::default, |executed| {
            trace_context::of_operation("subscription", executed.plan.operation_name())
        });
        // It is large, and every request would have room for it.
        let starting = Box::pin(self.operations.subscribe(asked.prepared.request, caller));
        let starting = span.scope(starting.instrument(span_of(id)));
        let started = match tokio::time::timeout(self.http.request_timeout, starting).await {
            Ok(started) => started,
            Err(_) => Err(vec![self.timed_out()]),
        };
        let refused = started.as_ref().err();
        trace_context::note_errors(&mut span, refused.map_or(&[], Vec::as_slice));
        drop(span);
        if let Some(executed) = executed {
            let ended = match &started {
                Ok(_) => (Outcome::Success, &[][..]),
                Err(errors) => (Outcome::Failed, &**errors),
            };
            self.note_ended(&executed, ended, caller, id);
        }
        started
    }

    /// Returns the answer to a request that was refused before execution.
    pub(crate) fn refused(&self, mut refused: Vec<ServerError>, id: &RequestId) -> Response {
        errors::finish(&mut refused, id, self.documents.limits());
        Response::from_errors(refused)
    }

    fn timed_out(&self) -> ServerError {
        let limit_ms = self.http.request_timeout.as_millis();
        typed(
            Code::Timeout,
            format!("The operation took longer than {limit_ms} ms"),
        )
    }
}

/// A request that is ready for execution, and when it had arrived.
pub(crate) struct Asked {
    pub(crate) prepared: Prepared,
    began: Instant,
}

/// What is told of a request when it has been executed.
struct Executed {
    plan: Arc<Plan>,
    is_live: bool,
    began: Instant,
    trace: Option<TraceContext>,
}

impl Asked {
    fn executed(&self, is_live: bool) -> Option<Executed> {
        let request = &self.prepared.request;
        Some(Executed {
            plan: document::plan_of(request)?.clone(),
            is_live,
            began: self.began,
            trace: document::trace_of(request),
        })
    }
}

fn outcome_of(answer: &Response) -> Outcome {
    match (answer.errors.is_empty(), &answer.data) {
        (true, _) => Outcome::Success,
        (false, Value::Null) => Outcome::Failed,
        (false, _) => Outcome::Partial,
    }
}

/// Returns the span that adds the request id to log lines on the way to an answer, and the id of the trace if it is recorded. It has the
/// highest level, so that lines of whatever level are let through have it.
fn span_of(id: &RequestId) -> tracing::Span {
    match trace::current() {
        Some(context) => tracing::error_span!("request", %id, trace_id = %context.trace_id()),
        None => tracing::error_span!("request", %id),
    }
}
