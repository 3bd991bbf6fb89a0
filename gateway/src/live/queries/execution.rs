//! One execution of a live query: for everybody in a role, or for one user. It notes what it reads, and how far it sees.

use std::{sync::Arc, time::Duration};

use async_graphql::{Request, Response, ServerError, Variables};
use entities::access::{SharedViewer, Viewer};
use events::{Cursor, Horizon, Receipt};
use schema::{Dependencies, Reads, RequestContext, Staleness};

use crate::{
    document::{Plan, Terms},
    errors::{self, Code, typed},
    live::{
        Shared,
        caller::{Caller, claim},
        scope::Scope,
    },
    request_id::RequestId,
};

/// How long an execution may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A query that can be executed any number of times.
#[derive(Clone)]
pub(super) struct Query {
    pub(super) plan: Arc<Plan>,
    pub(super) variables: Variables,
    pub(super) context: RequestContext,
    /// In whose turns it is executed.
    pub(super) caller: Caller,
    pub(super) terms: Terms,
}

pub(super) enum Executed {
    Done(Box<Done>),
    /// Results differ by user.
    Personal,
    /// It cannot be executed at all.
    Refused(Vec<ServerError>),
    /// It cannot be executed now.
    Unavailable(Vec<ServerError>),
}

pub(super) struct Done {
    pub(super) response: Response,
    pub(super) id: RequestId,
    /// The position of the tail when it began.
    pub(super) position: u64,
    /// The place up to which it shows everything.
    pub(super) cursor: Cursor,
    pub(super) is_stale: bool,
    pub(super) dependencies: Dependencies,
}

impl Query {
    /// Executes it for all who are in this scope.
    pub(super) async fn execute(&self, shared: &Shared, scope: Scope) -> Executed {
        let id = RequestId::generate();
        let tail = shared.log.tail().cursor();
        let horizon = Horizon::from(tail.position);
        let sharing = match scope {
            Scope::Role(Some(role)) => Some(SharedViewer::new(Some(role))),
            // All callers without a session are the same.
            Scope::Role(None) | Scope::User(..) => None,
        };
        let viewer = match &sharing {
            Some(sharing) => Viewer::Shared(sharing.clone()),
            None => self.context.viewer.clone(),
        };
        let (reads, staleness) = (Reads::recording(), Staleness::default());
        let context = RequestContext {
            viewer,
            request_id: id.to_string(),
            receipt: Receipt::default(),
            staleness: staleness.clone(),
            horizon: horizon.clone(),
            reads: reads.clone(),
            ..self.context.clone()
        };
        let request = Request::new("")
            .variables(self.variables.clone())
            .data(context);
        let executing = shared.schema.execute(request, self.plan.document().clone());
        let executing = tokio::time::timeout(LIMIT, claim(&self.caller, executing));
        let Ok(mut response) = executing.await else {
            let message = format!("The query took longer than {} ms", LIMIT.as_millis());
            return Executed::Unavailable(vec![typed(Code::Timeout, message)]);
        };
        shared.flights.note_told();
        // Nobody has seen the result yet, and nobody will.
        if sharing.is_some_and(|sharing| sharing.is_personal()) {
            return Executed::Personal;
        }
        if response.errors.iter().any(errors::is_passing) {
            return Executed::Unavailable(response.errors);
        }
        self.plan.complete(&mut response);
        // Fields fail in any order, which is no difference.
        response
            .errors
            .sort_by_cached_key(|error| format!("{:?}", error.path));
        if errors::is_request_error(&response) {
            return Executed::Refused(response.errors);
        }
        let seen = horizon.position(tail.position);
        Executed::Done(Box::new(Done {
            response,
            id,
            position: tail.position,
            cursor: shared.log.cursor_within(tail, seen).await,
            is_stale: staleness.is_stale(),
            dependencies: reads.noted(),
        }))
    }
}
