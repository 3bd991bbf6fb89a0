//! The parts of a request that execution needs, separated so that a subscription can be executed more than once: for its group, and for a
//! subscriber that reads the log by itself.

use std::{
    any::{Any, TypeId},
    sync::Arc,
};

use async_graphql::{Name, Request, ServerError, Variables, parser::types::ExecutableDocument};
use entities::{
    access::{SharedViewer, Viewer},
    grants::Grant,
};
use events::{Cursor, EventLog, EventSource, Horizon, Range, Receipt};
use schema::{IdempotencyKey as SchemaIdempotencyKey, Reads, RequestContext, Staleness};

use super::{
    Shared,
    after::{resolve, resumed},
    caller::Caller,
    holding::{Frames, Holding, Members},
    scope::{PersonalDocuments, Scope},
};
use crate::{
    document::{Plan, plan_of},
    errors::{Code, typed},
    metrics::Kind,
    params::{IdempotencyKey, ReadAfter, RequestFingerprint, ResumeAfter},
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

/// Returns the cursor from which a subscription is to be resumed, and the variable that is its `after` and nothing else.
pub(super) fn resume_after(request: &Request, plan: &Plan) -> (Option<String>, Option<Name>) {
    resumed(&request.variables, plan, find::<ResumeAfter>(request))
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
        let (text, variable) = resume_after(&request, &plan);
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

    pub(super) const fn holding(&self) -> &Arc<Holding> {
        &self.holding
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
            self.holding.of_frames(),
        )
    }

    /// Creates an execution for all subscribers of the same key.
    pub(super) fn group_execution(
        &self,
        log: &EventLog,
        range: Range,
        members: &Arc<Members>,
    ) -> Execution {
        let mut context = self.context.clone();
        let shared = match self.key.scope {
            Scope::Role(role) => Some(SharedViewer::new(role)),
            Scope::User(..) => None,
        };
        if let Some(shared) = &shared {
            context.viewer = Viewer::Shared(shared.clone());
        }
        let frames = Frames::of_group(members);
        self.execution(log, range, context, Grant::shared(), shared, frames)
    }

    fn execution(
        &self,
        log: &EventLog,
        range: Range,
        context: RequestContext,
        grant: Grant,
        shared: Option<SharedViewer>,
        frames: Frames,
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
            frames,
            shared,
            horizon,
        }
    }
}
