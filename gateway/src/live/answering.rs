//! Executes queries and mutations to their one answer. Identical queries of one user that are under way at the same time are executed once
//! (`flights`). Called by `Operations::execute`, below rates, prices, turns and time limits: each request has its own of these.
//!
//! Why nobody gets what is another's. An answer depends on the document, its variables, and the caller. The key has all of them: the session
//! and the role, as looked up for each request, its address and its program. Requests without a session are executed each by itself.
//!
//! Why no answer is older than what its client may know when it asks. Let the execution have begun with the tail at `p`: it shows all up to
//! there. (1) The one who joins looks at the log after it has asked (`EventLog::is_still_at`), and takes the answer only if the tail is at `p`
//! still. So of all that any process had committed, and told anybody, the execution shows everything: one that has read from a model which was
//! not at `p` is not shared. (2) What this process has told without an event, or read from a model that has gone on since, is counted: each
//! mutation that ends, and each result of a subscription or a live query, before it goes out (`note_told`). The count is in the key, so an
//! execution that is joined began after what was counted had been read. (3) The answer to any query of the user closes those that are under
//! way (`close`). A token to read after is in the key, and each waits for it by itself.
//!
//! Why nobody waits in vain. Whoever is executed holds the end of a channel. Dropped without an answer (its client hung up, its time was over,
//! it panicked), it wakes those who wait, and they begin anew, with their rights looked up again and in what is left of their own time. An
//! answer with stale values, or an error that says nothing about the data, is its own request's alone; then each of the others is executed
//! by itself. While one waits it has no lock, turn or connection. Its log lines, trace and metrics are its own, as are the ids in errors;
//! `cursor` is of the answer, and true for all.

use std::{collections::BTreeMap, io, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use async_graphql::{Request, Response, ServerError, Value, Variables};
use entities::{
    access::{Principal, Viewer},
    users::UserId,
};
use events::{Cursor, Horizon, trace};
use tokio::time::timeout;

use super::{
    Shared,
    caller::{Caller, claim},
    flights::{self, Joined, Place},
    read_after,
    request::{complete, find},
};
use crate::{
    document::{Plan, Terms, plan_of},
    errors::{self, Code, typed},
    metrics::METRICS,
    operation::OperationType,
    params::{IdempotencyKey, ReadAfter},
};

/// The most bytes in the key of a query that may be joined, and in its text.
const MOST_KEY_BYTES: usize = 1_024;
const MOST_TEXT_BYTES: usize = 64 * 1_024;
/// How often a query waits for another one before it is executed by itself.
const ROUNDS: u32 = 2;
/// How long an answer that is there waits for the look at the log.
const PATIENCE: Duration = Duration::from_millis(250);

/// What makes queries of one user identical, and the answer to one of them good enough for another.
#[derive(PartialEq, Eq)]
pub(super) struct Key {
    text: Arc<str>,
    operation: Option<Arc<str>>,
    /// As JSON.
    variables: Vec<u8>,
    principal: Principal,
    address: Option<IpAddr>,
    user_agent: Option<Arc<str>>,
    read_after: Option<String>,
    tail: Cursor,
    told: u64,
}

/// What identical queries share.
pub(super) struct Landed {
    data: Value,
    errors: Vec<ServerError>,
    extensions: BTreeMap<String, Value>,
}

pub(super) type Flights = flights::Flights<Key, Landed>;

/// What came of waiting for another query.
enum Waited {
    Answer(Arc<Landed>),
    /// The other one has ended without an answer, or something has happened since it began.
    Again,
    /// The answer is of the other one alone.
    Alone,
}

impl Key {
    /// Returns the key of a query, and whose it is; `None` if nobody joins it.
    fn of(
        request: &Request,
        plan: &Plan,
        viewer: &Viewer,
        caller: &Caller,
        (tail, told): (Cursor, u64),
    ) -> Option<(UserId, Self)> {
        let Viewer::User(principal) = viewer else {
            return None;
        };
        let is_plain = plan.kind() == OperationType::Query
            && !plan.resolves_nothing()
            && plan.text().len() <= MOST_TEXT_BYTES
            && request.uploads.is_empty()
            && find::<Terms>(request).is_none()
            && find::<IdempotencyKey>(request).is_none();
        if !is_plain {
            return None;
        }
        let read_after = find::<ReadAfter>(request).map(|token| &token.0);
        let user_agent = caller.user_agent.as_ref();
        let others = read_after.map_or(0, String::len) + user_agent.map_or(0, |it| it.len());
        let room = MOST_KEY_BYTES.checked_sub(others)?;
        let key = Self {
            text: plan.text().clone(),
            operation: plan.operation_name().cloned(),
            variables: written(&request.variables, room)?,
            principal: *principal,
            address: caller.address,
            user_agent: user_agent.cloned(),
            read_after: read_after.cloned(),
            tail,
            told,
        };
        Some((principal.user_id, key))
    }
}

impl Landed {
    /// Returns what others get of this answer.
    fn of(response: &Response) -> Option<Self> {
        let is_of_data = |error| {
            let code = errors::code_to_be(error);
            code.is_some_and(|code| code != "INTERNAL") && !errors::is_passing(error)
        };
        let is_stale = response.extensions.contains_key("stale");
        let is_shared = !is_stale && response.errors.iter().all(is_of_data);
        is_shared.then(|| Self {
            data: response.data.clone(),
            errors: response.errors.clone(),
            extensions: response.extensions.clone(),
        })
    }

    fn response(&self) -> Response {
        let mut response = Response::new(self.data.clone());
        response.errors.clone_from(&self.errors);
        response.extensions.clone_from(&self.extensions);
        response
    }
}

/// Bytes with a bound.
struct Bounded {
    bytes: Vec<u8>,
    room: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the variables as JSON, unless that is longer than `room`. They are sorted, and no more is written than there is room for.
fn written(variables: &Variables, room: usize) -> Option<Vec<u8>> {
    if variables.is_empty() {
        return Some(Vec::new());
    }
    let mut written = Bounded {
        bytes: Vec::with_capacity(128),
        room,
    };
    serde_json::to_writer(&mut written, &**variables).ok()?;
    Some(written.bytes)
}

/// Counts a mutation when it has ended, however it ends.
struct Telling<'a>(&'a Flights);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        self.0.note_told();
    }
}

/// Runs a query or a mutation, or takes the answer of an identical query.
pub(super) async fn execute(shared: &Shared, request: Request, caller: &Caller) -> Response {
    let refused = |error| Response::from_errors(vec![error]);
    let Some(plan) = plan_of(&request).cloned() else {
        return refused(typed(Code::Internal, "The operation was not prepared"));
    };
    let mut viewer = match caller.viewer(&shared.entities).await {
        Ok(viewer) => viewer,
        Err(error) => return refused(error),
    };
    if let Some(token) = find::<ReadAfter>(&request)
        && let Err(error) = read_after::wait(shared, caller, &viewer, token).await
    {
        return refused(error);
    }
    let flights = &shared.flights;
    let mut rounds = ROUNDS;
    loop {
        // What is told from here on is told of an execution that was not joined.
        let told = flights.told();
        let tail = shared.log.tail().cursor();
        let key = match rounds {
            0 => None,
            _ => Key::of(&request, &plan, &viewer, caller, (tail, told)),
        };
        let place = key.map_or(Place::Alone, |(user, key)| flights.board(user, key));
        let lead = match place {
            Place::Join(joined) => {
                let joining = trace::detail("join");
                match joining.scope(await_answer(shared, tail, joined)).await {
                    Waited::Answer(landed) => return landed.response(),
                    Waited::Again => rounds -= 1,
                    Waited::Alone => rounds = 0,
                }
                // The rights may have changed meanwhile.
                viewer = match caller.viewer(&shared.entities).await {
                    Ok(viewer) => viewer,
                    Err(error) => return refused(error),
                };
                continue;
            }
            Place::Lead(lead) => Some(lead),
            Place::Alone => None,
        };
        let is_mutation = plan.kind() == OperationType::Mutation;
        let _telling = is_mutation.then(|| Telling(flights));
        let user_id = viewer.user_id();
        let (response, seen) = run(shared, request, &plan, viewer, caller, tail).await;
        let is_current = seen >= tail.position;
        match (lead, user_id) {
            (Some(lead), _) => lead.land(|| Landed::of(&response).filter(|_| is_current)),
            (None, Some(user_id)) => flights.close(user_id),
            (None, None) => {}
        }
        return response;
    }
}

/// Waits for the answer of a query that began with the tail at this place.
async fn await_answer(shared: &Shared, tail: Cursor, joined: Joined<Landed>) -> Waited {
    let (log, mut joined) = (&shared.log, pin!(joined));
    let mut looking = pin!(log.is_still_at(tail));
    let landed = tokio::select! {
        is_current = &mut looking => match is_current {
            true => joined.await,
            false => return Waited::Again,
        },
        landed = &mut joined => match landed {
            Ok(Some(_)) => match timeout(PATIENCE, looking).await {
                Ok(true) => landed,
                Ok(false) => return Waited::Again,
                Err(_) => return Waited::Alone,
            },
            landed => landed,
        },
    };
    match landed {
        Ok(Some(landed)) => {
            METRICS.shared_queries.inc();
            Waited::Answer(landed)
        }
        Ok(None) => Waited::Alone,
        Err(_) => Waited::Again,
    }
}

/// Executes it, with the tail at this place before. Returns also how far whatever it read from was.
async fn run(
    shared: &Shared,
    mut request: Request,
    plan: &Plan,
    viewer: Viewer,
    caller: &Caller,
    tail: Cursor,
) -> (Response, u64) {
    // The position was taken before execution: everything up to it is visible in the tables of commands. For read models the execution
    // notes how far they are, so a subscription from the minimum misses nothing.
    let horizon = Horizon::from(tail.position);
    let user_id = viewer.user_id();
    let (receipt, staleness) = complete(&mut request, viewer, caller, &horizon);
    let executing = shared.schema.execute(request, plan.document().clone());
    let response = claim(caller, executing).await;
    let seen = horizon.position(tail.position);
    let cursor = shared.log.cursor_within(tail, seen).await;
    let mut response = response.extension("cursor", cursor.to_string().into());
    if staleness.is_stale() {
        response = response.extension("stale", true.into());
    }
    if let Some(token) = read_after::token(shared, user_id, &receipt) {
        response = response.extension("readAfter", token.into());
    }
    (response, seen)
}

#[cfg(test)]
mod tests;
