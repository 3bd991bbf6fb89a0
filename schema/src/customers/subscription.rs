//! The subscriptions of customers.

use async_graphql::{Context, Enum, ID, Object, Result, Subscription};
use chrono::{DateTime, Utc};
use entities::{
    access::{Action, Grant, Requirement},
    customers::{self, CustomerEvent, STATISTICS_FOLLOWER, STREAM},
};
use events::{Cursor, EventSource, Topic};
use futures::{Stream, StreamExt};

use super::{
    KIND,
    object::Customer,
    statistics::{CustomerStatistics, load_statistics},
};
use crate::{
    error::{from_access, from_event, from_feed},
    id,
    request::{entities, horizon, viewer},
};

/// What can happen to a customer.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "customers::CustomerEventKind")]
pub(crate) enum CustomerChangeType {
    /// It was created.
    Created,
    /// Some of its fields changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// Its deletion was undone.
    Restored,
}

/// Something that happened to a customer.
pub(crate) struct CustomerChange {
    cursor: Cursor,
    actor: String,
    occurred_at: DateTime<Utc>,
    event: CustomerEvent,
}

#[Object]
impl CustomerChange {
    /// The change's place in the log: subscribe with `after` this to get what follows.
    async fn cursor(&self) -> String {
        self.cursor.to_string()
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn change_type(&self) -> CustomerChangeType {
        self.event.kind.into()
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.actor
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.occurred_at
    }

    /// The customer's version after the change.
    async fn version(&self) -> i64 {
        self.event.customer.version
    }

    /// The customer after the change.
    async fn customer(&self) -> Customer {
        Customer(self.event.customer.clone())
    }
}

/// Now, and for as long as the subscription is open.
async fn require_customers(ctx: &Context<'_>) -> Result<()> {
    let requirement = Requirement::Action(Action::ReadCustomers);
    let granted = ctx.data::<Grant>()?.require(requirement).await;
    granted.map_err(from_access)
}

#[derive(Default)]
pub(crate) struct CustomersSubscription;

#[Subscription]
impl CustomersSubscription {
    /// Changes to one customer, or to all. With `after` it begins with everything that happened since that cursor;
    /// every change comes once, in order.
    async fn customer_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this customer's changes.")] id: Option<ID>,
        #[graphql(
            name = "after",
            desc = "Changes after this cursor: of a change, or `extensions.cursor` of any response."
        )]
        _after: Option<String>,
    ) -> Result<impl Stream<Item = Result<CustomerChange>>> {
        let id = id.map(|id| id::decode_as(KIND, "id", &id)).transpose()?;
        require_customers(ctx).await?;
        let topic = Topic { kind: STREAM, id };
        let source = ctx.data::<EventSource>()?.clone();
        let changes = source.follow(topic);
        Ok(changes.map(move |event| {
            let event = event.map_err(from_feed)?;
            Ok(CustomerChange {
                cursor: source.cursor_behind(&event),
                actor: event.meta.actor.clone(),
                occurred_at: event.occurred_at,
                event: CustomerEvent::decode(&event).map_err(|cause| from_event(&cause))?,
            })
        }))
    }

    /// The statistics now, and again whenever they have changed.
    async fn customer_statistics(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Result<CustomerStatistics>>> {
        require_customers(ctx).await?;
        let topic = Topic {
            kind: STREAM,
            id: None,
        };
        let viewer = viewer(ctx)?.clone();
        let horizon = horizon(ctx)?;
        let entities = entities(ctx).clone();
        let source = ctx.data::<EventSource>()?;
        let changes = source.follow_checkpoint(STATISTICS_FOLLOWER, topic);
        Ok(changes.then(move |progress| {
            let (entities, viewer, horizon) = (entities.clone(), viewer.clone(), horizon.clone());
            async move {
                progress.map_err(from_feed)?;
                let statistics = load_statistics(&entities, &viewer).await?;
                Ok(statistics.show(&horizon))
            }
        }))
    }
}
