//! From request text to an executable request. The document is parsed and checked once, and for each combination of its conditions and
//! omitted variables a plan is made once; both are kept in a bounded cache by the document's exact text. Only documents that passed every
//! check are in it, so a hit repeats none of them. An executed document has every response key once, so the executor cannot deviate from
//! the specification there; answers with failures are completed from the same plan. Called by all transports.

mod answer;
#[cfg(test)]
mod attacks;
mod circumstances;
mod collect;
mod descriptions;
mod introspection;
mod lexer;
mod live;
mod measure;
#[cfg(test)]
mod oracle;
mod plan;
mod position;
mod price;
mod reading;
mod rules;
#[cfg(test)]
mod tests;
mod typing;
mod variables;
mod variants;
#[cfg(test)]
mod weighing;

use std::any::TypeId;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, ServerError, Variables};
use moka::sync::Cache;

use crate::errors::{Code, limit_exceeded, typed};
use crate::fingerprint;
use crate::limits::{Limits, MAX_INTROSPECTION};
use crate::metrics::METRICS;
use crate::params::{IdempotencyKey, Params};
use crate::request_id::RequestId;
use crate::trace_context::{AsksForTrace, TraceContext, asks_for_trace};
pub use live::Terms;
pub use plan::{Plan, plan_of};
pub use typing::Typing;
use variants::Document;

/// Longer documents are not cached, but read anew each time.
const MAX_CACHED_TEXT: usize = 64 * 1024;
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// Reads documents, with a cache and the limits it enforces.
///
/// Why the executor needs no more than a plan. async-graphql runs a field that is selected twice two times, and merges the results by
/// their places in lists; it has null for omitted variables, and does not see the defaults of those in `@skip` and `@include`. So it is
/// given a document without any of these: every response key once, no fragments but one for each type that an object may have, no
/// directives, values for all variables, and no arguments whose variable is omitted. It leaves out failed fields; `answer` puts null
/// there, or in the place of the nearest nullable parent, which the plan knows. All this holds for valid documents only, so validation
/// comes first; and anything that expands is walked only once its size is known (`measure`, `collect`).
pub struct Documents {
    limits: Limits,
    typing: Typing,
    allows_introspection: bool,
    cache: Cache<String, Arc<Document>>,
}

/// A request ready for execution: of the document of its plan.
pub struct Prepared {
    pub request: Request,
    pub kind: OperationType,
    /// Its complexity.
    pub price: u64,
    /// Whether it is a live query, and has its [`Terms`] in its data.
    pub is_live: bool,
}

impl Prepared {
    /// Returns whether a transport that can answers it by a stream: `Operations::subscribe` runs it, and `execute` answers a live query
    /// once.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.is_live || self.kind == OperationType::Subscription
    }
}

impl Documents {
    #[must_use]
    pub fn new(limits: Limits, typing: Typing, allows_introspection: bool) -> Self {
        let cache = Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|_: &String, document: &Arc<Document>| document.weight())
            .build();
        Self {
            limits,
            typing,
            allows_introspection,
            cache,
        }
    }

    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Checks the request and completes its data (see [`Operations`](crate::operation::Operations)). `key` is the transport's idempotency
    /// key, and must agree with the one in the request's extensions, if both are there.
    ///
    /// # Errors
    ///
    /// Typed: parse failure, limits, unknown operation, forbidden characters, invalid values of variables, a bad idempotency key.
    pub fn prepare(
        &self,
        params: Params,
        key: Option<IdempotencyKey>,
        request_id: &RequestId,
    ) -> Result<Prepared, Vec<ServerError>> {
        let one = |error| vec![error];
        let document = self.load(&params.query)?;
        let operation = document.operation(params.operation_name.as_deref());
        let operation = operation.map_err(one)?;
        params.check_text().map_err(one)?;
        let key = params.idempotency_key(key).map_err(one)?;
        let read_after = params.read_after().map_err(one)?;
        let (trace, asks_for_trace) = (params.trace(), asks_for_trace(&params.extensions));
        let mut data = async_graphql::Data::default();
        if let Some(key) = key {
            data.insert(fingerprint::of(&params));
            data.insert(key);
        }
        let variables = document.coerce(operation, params.variables, &self.typing);
        let variables = variables.map_err(one)?;
        let (plan, is_new) = document.plan(operation, &variables, self).map_err(one)?;
        if is_new && params.query.len() <= MAX_CACHED_TEXT {
            // It is inserted again because it weighs more now.
            self.cache.insert(params.query, document);
        }
        let price = self.check_price(&plan, &variables).map_err(one)?;
        let kind = plan.kind;
        if let Some(cursor) = params.resume_after
            && plan.resumes(&self.typing)
        {
            data.insert(cursor);
        }
        let terms = plan.live.terms(&variables).map_err(one)?;
        let is_live = terms.is_some();
        if let Some(terms) = terms {
            data.insert(terms);
        }
        data.insert(request_id.clone());
        if let Some(trace) = trace {
            data.insert(trace);
        }
        if asks_for_trace {
            data.insert(AsksForTrace);
        }
        data.insert(kind);
        if let Some(read_after) = read_after {
            data.insert(read_after);
        }
        let mut request = Request::new("").variables(variables);
        data.insert(plan);
        request.extensions = params.extensions;
        request.data = data;
        Ok(Prepared {
            request,
            kind,
            price,
            is_live,
        })
    }

    fn load(&self, text: &str) -> Result<Arc<Document>, Vec<ServerError>> {
        if text.len() <= MAX_CACHED_TEXT
            && let Some(document) = self.cache.get(text)
        {
            METRICS.plans_found.inc();
            return Ok(document);
        }
        METRICS.plans_made.inc();
        let read = reading::read(text, &self.typing, &self.limits)?;
        Ok(Arc::new(Document::of(read)))
    }

    fn check_price(&self, plan: &Plan, variables: &Variables) -> Result<u64, ServerError> {
        let maximum = self.limits.max_complexity;
        let price = plan.price.of(variables, &self.typing);
        if price > maximum as u64 {
            let message = format!("The operation exceeds the limit complexity of {maximum}");
            return Err(limit_exceeded("complexity", maximum, message));
        }
        let asked = &plan.introspection;
        if !asked.is_within(MAX_INTROSPECTION, variables, &self.typing) {
            let message = format!(
                "The answer would exceed the limit introspection of {MAX_INTROSPECTION} fields"
            );
            return Err(limit_exceeded("introspection", MAX_INTROSPECTION, message));
        }
        Ok(price)
    }
}

/// Returns the trace that a request belongs to.
pub(crate) fn trace_of(request: &Request) -> Option<TraceContext> {
    let trace = request.data.get(&TypeId::of::<TraceContext>())?;
    trace.downcast_ref().copied()
}

/// Returns whether the answer is to have the id of the trace.
pub(crate) fn asks_for_trace_of(request: &Request) -> bool {
    request.data.contains_key(&TypeId::of::<AsksForTrace>())
}

/// Checks a document as it is checked when it is sent.
///
/// # Errors
///
/// What is wrong with it.
pub fn check(text: &str, typing: &Typing, limits: &Limits) -> Result<(), Vec<ServerError>> {
    reading::read(text, typing, limits).map(drop)
}

/// Builds the error for a document, or a value in it, that is not valid.
fn refused(message: impl Into<String>) -> ServerError {
    typed(Code::ValidationFailed, message)
}
