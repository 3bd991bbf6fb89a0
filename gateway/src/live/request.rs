//! The parts of a request that execution needs, separated so that a subscription can be executed more than once: for its group, and for a
//! subscriber that reads the log by itself. By convention the cursor to resume from is the argument `after` of the subscription's field;
//! it is removed here, so that subscribers who differ only in it are alike.

use std::{
    any::{Any, TypeId},
    sync::Arc,
};

use async_graphql::{
    Name, Request, ServerError, Value as ConstValue, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, Selection},
};
use async_graphql_value::Value;
use entities::{
    access::{SharedViewer, Viewer},
    grants::Grant,
};
use events::{Cursor, CursorError, EventLog, EventSource, Horizon, Range, Receipt};
use schema::{IdempotencyKey as SchemaIdempotencyKey, Reads, RequestContext, Staleness, codes};

use super::{
    Shared,
    caller::Caller,
    holding::{Frames, Holding},
    scope::{PersonalDocuments, Scope},
};
use crate::{
    document::{Plan, plan_of},
    errors::{Code, typed, with},
    metrics::Kind,
    params::{AFTER, IdempotencyKey, ReadAfter, RequestFingerprint, ResumeAfter},
    request_id::RequestId,
    trace_context::TraceContext,
};

/// A subscription that can be executed any number of times.
#[derive(Clone)]
pub(super) struct SubscriptionRequest {
    pub(super) key: GroupKey,
    /// The place after which events are delivered.
    pub(super) after: Cursor,
    /// The subscriber's rights, for as long as the subscription lasts.
    pub(super) grant: Grant,
    /// Whether it names a place to resume from.
    resumes: bool,
    holding: Arc<Holding>,
    plan: Arc<Plan>,
    variables: Variables,
    context: RequestContext,
}

/// One execution of a subscription.
pub(super) struct Execution {
    pub(super) request: Request,
    pub(super) source: EventSource,
    pub(super) plan: Arc<Plan>,
    /// The viewer of an execution that is shared by a role; it records whether sharing was right.
    pub(super) shared: Option<SharedViewer>,
    /// How far its next answer sees.
    pub(super) horizon: Horizon,
    /// What counts its frames.
    pub(super) frames: Frames,
}

/// Subscriptions with the same key get the same bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    query: Arc<str>,
    operation_name: Option<Arc<str>>,
    variables: String,
    scope: Scope,
}

impl GroupKey {
    /// Returns the key of this plan with the variables by which alike requests are known, for nobody yet.
    pub(super) fn of(plan: &Plan, variables: String) -> Self {
        Self {
            query: plan.text().clone(),
            operation_name: plan.operation_name().cloned(),
            variables,
            scope: Scope::Role(None),
        }
    }

    pub(super) const fn scope(&self) -> Scope {
        self.scope
    }

    /// Returns the lengths of document and variables.
    pub(super) fn lengths(&self) -> (usize, usize) {
        (self.query.len(), self.variables.len())
    }

    /// Decides, by what is known of the document now, with whom its results are shared.
    pub(super) fn settle_scope(&mut self, viewer: &Viewer, personal: &PersonalDocuments) {
        let is_personal = personal.contains(&self.query, self.operation_name.as_deref());
        self.scope = Scope::of(viewer, is_personal);
    }

    /// Remembers that results of this document differ by user.
    pub(super) fn remember_as_personal(&self, personal: &PersonalDocuments) {
        personal.insert(&self.query, self.operation_name.as_deref());
    }
}

/// Adds what resolvers read to the request for a query or a mutation.
pub(super) fn complete(
    request: &mut Request,
    viewer: Viewer,
    caller: &Caller,
    horizon: &Horizon,
) -> (Receipt, Staleness) {
    let context = context_of(request, viewer, caller, horizon.clone());
    let noted = (context.receipt.clone(), context.staleness.clone());
    request.data.insert(context);
    noted
}

pub(super) fn find<T: Any>(request: &Request) -> Option<&T> {
    request.data.get(&TypeId::of::<T>())?.downcast_ref()
}

pub(super) fn context_of(
    request: &Request,
    viewer: Viewer,
    caller: &Caller,
    horizon: Horizon,
) -> RequestContext {
    let fingerprint = find::<RequestFingerprint>(request);
    let idempotency = find::<IdempotencyKey>(request).zip(fingerprint);
    RequestContext {
        viewer,
        client_address: caller.address,
        user_agent: caller.user_agent.clone(),
        request_id: find::<RequestId>(request).map_or_else(String::new, ToString::to_string),
        traceparent: find::<TraceContext>(request).map(ToString::to_string),
        idempotency: idempotency.map(|(key, fingerprint)| SchemaIdempotencyKey {
            key: key.0.clone(),
            fingerprint: fingerprint.0.to_vec(),
        }),
        receipt: Receipt::default(),
        is_read_after: find::<ReadAfter>(request).is_some(),
        staleness: Staleness::default(),
        horizon,
        reads: Reads::default(),
    }
}

impl SubscriptionRequest {
    pub(super) async fn new(
        request: Request,
        viewer: Viewer,
        grant: Grant,
        caller: &Caller,
        shared: &Shared,
    ) -> Result<Self, Vec<ServerError>> {
        let log = &shared.log;
        let context = context_of(&request, viewer, caller, Horizon::default());
        let Some(plan) = plan_of(&request).cloned() else {
            let error = typed(Code::Internal, "The subscription was not prepared");
            return Err(vec![error]);
        };
        let (text, variable) = resumed(&request, &plan);
        let resumes = text.is_some();
        let after = match text {
            Some(text) => resolve(log, &text).await.map_err(|error| vec![error])?,
            None => log.tail().cursor(),
        };
        let alike: std::collections::BTreeMap<_, _> = request
            .variables
            .iter()
            .filter(|(name, _)| Some(*name) != variable.as_ref())
            .collect();
        let key = GroupKey::of(&plan, serde_json::to_string(&alike).unwrap_or_default());
        let holding = shared
            .holdings
            .subscribe(caller, Kind::Subscription, &plan, key.lengths());
        let holding = holding.map_err(|error| vec![error])?;
        let mut subscription = Self {
            key,
            after,
            grant,
            resumes,
            holding: Arc::new(holding),
            plan,
            variables: request.variables,
            context,
        };
        subscription.settle_scope(shared);
        Ok(subscription)
    }

    /// Returns whether `viewer` sees something other than the viewer of this request.
    pub(super) fn differs_for(&self, viewer: &Viewer) -> bool {
        self.context.viewer.role() != viewer.role()
    }

    pub(super) fn set_viewer(&mut self, viewer: Viewer, shared: &Shared) {
        self.context.viewer = viewer;
        self.settle_scope(shared);
    }

    /// Returns whether what it receives of the past may be what others receive.
    pub(super) fn may_share_past(&self) -> bool {
        self.resumes && matches!(self.key.scope, Scope::Role(_))
    }

    /// Decides, by what is known of the document now, with whom this subscription is shared.
    pub(super) fn settle_scope(&mut self, shared: &Shared) {
        self.key
            .settle_scope(&self.context.viewer, &shared.personal);
    }

    /// Creates an execution for this subscriber alone, over a stretch of the log.
    pub(super) fn own_execution(&self, log: &EventLog, range: Range) -> Execution {
        self.execution(
            log,
            range,
            self.context.clone(),
            self.grant.clone(),
            None,
            false,
        )
    }

    /// Creates an execution for all subscribers of the same key.
    pub(super) fn group_execution(&self, log: &EventLog, range: Range) -> Execution {
        let mut context = self.context.clone();
        let shared = match self.key.scope {
            Scope::Role(role) => Some(SharedViewer::new(role)),
            Scope::User(..) => None,
        };
        if let Some(shared) = &shared {
            context.viewer = Viewer::Shared(shared.clone());
        }
        self.execution(log, range, context, Grant::shared(), shared, true)
    }

    fn execution(
        &self,
        log: &EventLog,
        range: Range,
        context: RequestContext,
        grant: Grant,
        shared: Option<SharedViewer>,
        for_group: bool,
    ) -> Execution {
        let source = EventSource::new(log.clone(), range);
        let horizon = Horizon::default();
        let context = RequestContext {
            horizon: horizon.clone(),
            ..context
        };
        let mut request = Request::new("")
            .variables(self.variables.clone())
            .data(context)
            .data(grant)
            .data(self.holding.of_execution())
            .data(source.clone());
        request.set_parsed_query(ExecutableDocument::clone(self.plan.document()));
        Execution {
            request,
            source,
            plan: self.plan.clone(),
            frames: self.holding.of_frames(for_group),
            shared,
            horizon,
        }
    }
}

/// Returns the cursor from which a subscription is to be resumed, and the variable that is its `after` and nothing else. The place at which a stream broke
/// off is later than the one that it had begun at.
pub(super) fn resumed(request: &Request, plan: &Plan) -> (Option<String>, Option<Name>) {
    let (text, variable) = after_argument(plan.document(), &request.variables);
    // One that says something else, too, makes subscribers differ.
    let variable = variable.filter(|variable| uses(plan.document(), variable) == 1);
    let broken_off = find::<ResumeAfter>(request).map(|cursor| cursor.0.clone());
    (broken_off.or(text), variable)
}

/// Returns the value of the `after` argument of the subscription's one root field, and the variable that it comes from. Variables have
/// their defaults already.
fn after_argument(
    document: &ExecutableDocument,
    variables: &Variables,
) -> (Option<String>, Option<Name>) {
    let DocumentOperations::Single(operation) = &document.operations else {
        return (None, None);
    };
    let root = operation.node.selection_set.node.items.first();
    let argument = match root.map(|root| &root.node) {
        Some(Selection::Field(field)) => field.node.get_argument(AFTER),
        _ => None,
    };
    match argument.map(|argument| &argument.node) {
        Some(Value::String(text)) => (Some(text.clone()), None),
        Some(Value::Variable(name)) => match variables.get(name) {
            Some(ConstValue::String(text)) => (Some(text.clone()), Some(name.clone())),
            _ => (None, None),
        },
        _ => (None, None),
    }
}

/// Returns how often a variable is used.
fn uses(document: &ExecutableDocument, variable: &Name) -> usize {
    let DocumentOperations::Single(operation) = &document.operations else {
        return 0;
    };
    let mut sets = vec![&operation.node.selection_set.node];
    let mut found = 0;
    while let Some(set) = sets.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let arguments = field.node.arguments.iter();
                    found += arguments
                        .map(|(_, value)| uses_within(&value.node, variable))
                        .sum::<usize>();
                    sets.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => {
                    sets.push(&fragment.node.selection_set.node);
                }
                // A plan has none.
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    found
}

fn uses_within(value: &Value, variable: &Name) -> usize {
    match value {
        Value::Variable(name) => usize::from(name == variable),
        Value::List(items) => items.iter().map(|item| uses_within(item, variable)).sum(),
        Value::Object(fields) => {
            let values = fields.values();
            values.map(|value| uses_within(value, variable)).sum()
        }
        _ => 0,
    }
}

pub(super) async fn resolve(log: &EventLog, text: &str) -> Result<Cursor, ServerError> {
    let refused = |error: CursorError| {
        let code = match error {
            CursorError::Expired => codes::CURSOR_EXPIRED,
            CursorError::Malformed | CursorError::Foreign => codes::CURSOR_INVALID,
        };
        with(ServerError::new(error.to_string(), None), "code", code)
    };
    let cursor: Cursor = text.parse().map_err(refused)?;
    match log.resolve(cursor).await {
        Ok(resolved) => resolved.map_err(refused),
        Err(error) => {
            tracing::warn!(%error, "a cursor could not be checked");
            Err(typed(
                Code::Unavailable,
                "The event log cannot be read; try again",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(document: &str, variables: serde_json::Value) -> Option<String> {
        let document = async_graphql::parser::parse_query(document).expect("a document");
        after_argument(&document, &Variables::from_json(variables)).0
    }

    #[test]
    fn a_variable_that_is_used_elsewhere_is_counted() {
        let of = |text: &str| {
            let document = async_graphql::parser::parse_query(text).expect("a document");
            uses(&document, &Name::new("a"))
        };
        let twice = "subscription ($a: String) { p(after: $a) { c(after: $a) { id } } }";
        let within = "subscription ($a: ID) { p(after: $a) { ... on P { c(f: { or: [$a] }) } } }";
        assert_eq!(of("subscription ($a: String) { p(after: $a) { id } }"), 1);
        assert_eq!((of(twice), of(within)), (2, 2));
    }

    #[test]
    fn the_cursor_is_found_wherever_it_may_stand() {
        let none = serde_json::json!({});
        let given = serde_json::json!({ "a": "given" });
        let null = serde_json::json!({ "a": null });
        let variable = "subscription ($a: String) { customerChanged(after: $a) { type } }";
        assert_eq!(after(variable, given).as_deref(), Some("given"));
        assert_eq!(after(variable, null), None);
        assert_eq!(after(variable, none.clone()), None);
        let literal = r#"subscription { customerChanged(after: "literal") { type } }"#;
        assert_eq!(after(literal, none.clone()).as_deref(), Some("literal"));
        assert_eq!(
            after("subscription { customerChanged { type } }", none),
            None
        );
    }
}
