//! Live queries: the answer of a query, and again whenever an event has changed it. Those that are alike share one execution and its bytes,
//! as subscriptions do (`group`); a watcher hands the newest answer to its client (`watcher`).
//!
//! Why a client is shown every state in which the query comes to rest, and never goes back. An answer has a cursor: it shows everything
//! up to there (`Horizon`), and what it was read from is known (`schema::Reads`). So the next answer is due with the first event after that
//! cursor which touches what was read, and nothing need be heard before: the events after the cursor are in the log, and followed from
//! there, whenever that is begun. While an execution or the pause after it lasts, nothing is kept; all that happens meanwhile is seen by
//! the next one. It begins when this process has the event, and after the followers have passed it, if a read model was read; otherwise it
//! would find the event again after its own cursor, and be repeated. Within a process each execution begins after the one before has
//! ended, and one whose cursor is less than that of the answer before is thrown away, as is one with values that may be stale. A watcher
//! keeps the cursor of what it has told, also from one group to another, and a client may name one when it comes back.
//!
//! Why what it is shown in between was so, too. An execution has several statements, and something may be committed, or passed by a follower,
//! between two of them. A snapshot of the database would not help, as read models and caches are behind the tables by as much as they like.
//! So before an answer is published the log is looked at: if no event that touches it was committed until then, each of its parts is what it
//! was at the cursor. Otherwise it is thrown away, and executed again behind that event. A first answer is not, nor is the fourth where
//! events come faster than that, nor one whose look takes longer than a moment: they are published at once, and marked as mixed.
//!
//! Why nobody is shown what they may no longer see. Users' rights are in their grant, which is marked before an event that changes them is
//! handed on, and looked at before every delivery. Answers that depend on the user are computed for each user alone, and know memberships
//! as they were when their execution began. After a mark only an answer counts whose execution began after the check: the change was
//! committed before it was marked, so that execution sees it.

mod answer;
mod driver;
mod execution;
mod group;
mod known;
mod patch;
mod turns;
mod watcher;

use std::sync::Arc;

use async_graphql::{Request, ServerError};
use events::Horizon;
use futures::stream::BoxStream;
use schema::{RequestContext, codes};

use super::{
    Shared,
    after::resolve,
    caller::Caller,
    read_after,
    request::{GroupKey, context_of, find},
};
use crate::{
    document::{Terms, plan_of},
    errors::{self, Code, typed},
    metrics::Kind,
    operation::Payload,
    params::ReadAfter,
};
use execution::Query;
pub(super) use group::Groups;
use group::Need;
use known::Known;
use watcher::Watcher;

/// Starts a live query. Its answers, the first as well, come from the stream.
pub(super) async fn open(
    shared: Arc<Shared>,
    request: Request,
    caller: &Caller,
    terms: Terms,
) -> Result<BoxStream<'static, Payload>, Vec<ServerError>> {
    start(shared, request, caller, terms)
        .await
        .map_err(|error| vec![error])
}

async fn start(
    shared: Arc<Shared>,
    request: Request,
    caller: &Caller,
    terms: Terms,
) -> Result<BoxStream<'static, Payload>, ServerError> {
    // Changes of the caller's rights from here on mark the grant.
    let grant = shared.entities.grants.open(caller.user.clone());
    grant.watch_memberships();
    let viewer = caller.viewer(&shared.entities).await?;
    let Some(plan) = plan_of(&request).cloned() else {
        return Err(typed(Code::Internal, "The query was not prepared"));
    };
    let known = Known::of(&request.extensions)?;
    let seen = match &known.cursor {
        Some(text) => least_seen(&shared, text).await?,
        None => 0,
    };
    if let Some(token) = find::<ReadAfter>(&request) {
        read_after::wait(&shared, caller, &viewer, token).await?;
    }
    let need = Need {
        position: shared.log.tail().position(),
        seen,
        ..Need::default()
    };
    let context = RequestContext {
        is_read_after: false,
        ..context_of(&request, viewer, caller, Horizon::default())
    };
    let variables: std::collections::BTreeMap<_, _> = request.variables.iter().collect();
    let key = GroupKey::of(&plan, serde_json::to_string(&variables).unwrap_or_default());
    let holding = shared
        .holdings
        .subscribe(caller, Kind::LiveQuery, &plan, key.lengths())?;
    let query = Query {
        plan,
        variables: request.variables,
        context,
        caller: caller.clone(),
        terms,
    };
    Ok(Watcher::new(shared, key, query, (grant, holding), need, known.digest).into_stream())
}

/// Returns the position of a cursor that the client has.
async fn least_seen(shared: &Shared, cursor: &str) -> Result<u64, ServerError> {
    match resolve(&shared.log, cursor).await {
        Ok(cursor) => Ok(cursor.position),
        // The events after it were pruned, so it is behind everything that an answer shows.
        Err(error) if errors::code_of(&error) == Some(codes::CURSOR_EXPIRED) => Ok(0),
        Err(error) => Err(error),
    }
}
