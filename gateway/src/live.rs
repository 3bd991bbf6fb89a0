//! Execution against the real schema, with shared subscriptions: those that are alike (document, variables, what the callers may see) are
//! executed and serialized once for each event, and their subscribers share the bytes.
//!
//! A subscriber holds a place, not a queue. While it keeps up it takes frames from its group. When it resumes from an older cursor, or
//! falls behind the group's bounded buffer, it reads the log at its own pace with an execution of its own, and joins the group again
//! where that ends. The argument that nothing is missed or doubled is in `subscriber`.

mod after;
mod answering;
mod caller;
mod flights;
mod ground;
mod group;
mod holding;
mod own;
mod queries;
mod read_after;
mod replays;
mod request;
#[cfg(test)]
mod schedules;
mod scope;
mod shards;
mod subscriber;
mod turns;

use std::net::IpAddr;
use std::sync::Arc;

use async_graphql::{Request, Response, ServerError};
use entities::{
    Entities,
    users::{Presence, Role, UserId},
};
use events::{
    EventLog,
    metrics::{Catalog, labels, name},
};
use futures::stream::BoxStream;
use schema::MillraceSchema;

use crate::{
    credentials::Credentials,
    document::{Terms, plan_of},
    limits::Limits,
    metrics::Kind,
    operation::{Departure, Operations, Payload},
};
use answering::Flights;
pub use caller::Caller;
use group::Groups;
use holding::Holdings;
pub use holding::SubscriptionSettings;
use replays::Replays;
use request::SubscriptionRequest;
use scope::PersonalDocuments;
use turns::Turns;

/// Executes operations on the schema of this process.
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    schema: MillraceSchema,
    entities: Entities,
    presence: Presence,
    log: EventLog,
    limits: Limits,
    holdings: Holdings,
    groups: Groups<Self>,
    personal: PersonalDocuments,
    queries: queries::Groups,
    replays: Replays,
    turns: Turns,
    flights: Flights,
}

impl Live {
    /// Creates an executor of `schema`, which must be over the same `entities`; callers with sockets count as present.
    #[must_use]
    pub fn new(
        schema: MillraceSchema,
        entities: Entities,
        presence: Presence,
        limits: Limits,
        subscriptions: &SubscriptionSettings,
    ) -> Self {
        let shared = Shared {
            schema,
            log: entities.log.clone(),
            entities,
            presence,
            limits,
            holdings: Holdings::new(subscriptions),
            groups: Groups::default(),
            personal: PersonalDocuments::default(),
            queries: queries::Groups::default(),
            replays: Replays::default(),
            turns: Turns::default(),
            flights: Flights::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Enters what is read at a scrape in the catalog.
    pub(crate) fn enter_metrics(&self, catalog: &mut Catalog) {
        let help = "Groups of alike subscriptions, each executed once";
        let groups = name("millrace_subscription_groups", help);
        let shared = self.shared.clone();
        catalog.read_gauge(groups, move || {
            let of = |kind: Kind, count: usize| (labels([("kind", kind.name())]), count as f64);
            vec![
                of(Kind::Subscription, shared.groups.len()),
                of(Kind::LiveQuery, shared.queries.len()),
            ]
        });
        let help = "Queries that wait for the answer of an identical one";
        let waiting = name("millrace_queries_waiting", help);
        let shared = self.shared.clone();
        catalog.read_gauge(waiting, move || {
            vec![(labels([]), shared.flights.waiting() as f64)]
        });
    }
}

impl Operations for Live {
    type Stream = BoxStream<'static, Payload>;
    type Caller = Caller;

    async fn admit(&self, credentials: Credentials) -> Result<Caller, ServerError> {
        caller::admit(&self.shared.entities, credentials).await
    }

    fn renew(
        &self,
        caller: &Caller,
        token: String,
    ) -> impl Future<Output = Result<Caller, ServerError>> + Send + 'static {
        caller::renew(self.shared.entities.clone(), caller.clone(), token)
    }

    fn stay(&self, caller: &Caller) -> impl Future<Output = Departure> + Send + 'static {
        let Shared {
            entities, presence, ..
        } = &*self.shared;
        caller::stay(entities, presence, caller)
    }

    fn disconnected(&self, caller: &Caller) -> impl Future<Output = ()> + Send + 'static {
        caller::disconnected(&self.shared.entities, caller)
    }

    fn user(&self, caller: &Caller) -> Option<UserId> {
        caller.user.user_id()
    }

    fn address(&self, caller: &Caller) -> Option<IpAddr> {
        caller.address
    }

    async fn is_operator(&self, caller: &Caller) -> bool {
        let viewer = caller.viewer(&self.shared.entities).await;
        viewer.is_ok_and(|viewer| viewer.role() == Some(Role::Admin))
    }

    fn present(&self) -> Option<String> {
        Some(self.shared.log.tail().cursor().to_string())
    }

    fn beginning(&self, request: &Request) -> Option<String> {
        let plan = plan_of(request)?;
        // What a live query calls `after` is the cursor of a page.
        let is_live = request::find::<Terms>(request).is_some();
        let after = (!is_live).then(|| request::resume_after(request, plan).0);
        after.flatten().or_else(|| self.present())
    }

    async fn execute(&self, request: Request, caller: &Caller) -> Response {
        answering::execute(&self.shared, request, caller).await
    }

    async fn subscribe(
        &self,
        request: Request,
        caller: &Caller,
    ) -> Result<Self::Stream, Vec<ServerError>> {
        if let Some(terms) = request::find::<Terms>(&request).copied() {
            return queries::open(self.shared.clone(), request, caller, terms).await;
        }
        // The grant is opened before the caller's rights are looked up: a change of them from here on marks it.
        let grant = self.shared.entities.grants.open(caller.user.clone());
        let viewer = caller.viewer(&self.shared.entities).await;
        let viewer = viewer.map_err(|error| vec![error])?;
        let request =
            SubscriptionRequest::new(request, viewer, grant, caller, &self.shared).await?;
        subscriber::open(self.shared.clone(), request).await
    }
}
