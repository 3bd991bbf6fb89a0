//! The customer as clients see it.

use async_graphql::{Context, Enum, ID, Object, Result};
use chrono::{DateTime, Utc};
use entities::customers;

use super::KIND;
use crate::{
    connection::checked,
    error::from_access,
    history, id,
    request::{entities, viewer},
};

/// Where the relation to a customer stands.
#[derive(Enum, Debug, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "customers::CustomerStatus")]
pub(crate) enum CustomerStatus {
    /// Known, but no customer yet.
    Prospect,
    /// Doing business.
    Active,
    /// On hold.
    Suspended,
    /// The relation has ended; the customer is kept.
    Closed,
}

/// A person or company that one does business with.
pub(crate) struct Customer(pub(super) customers::Customer);

#[Object]
impl Customer {
    /// The global id.
    pub(crate) async fn id(&self) -> ID {
        id::encode(KIND, self.0.id)
    }

    /// The name, 1 to 200 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The email address; unique among the customers that are not deleted, whatever its case.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// A telephone number, as it was entered.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// Where the relation stands.
    async fn status(&self) -> CustomerStatus {
        self.0.status.into()
    }

    /// Grows by one with every change; `expectedVersion` of mutations refers to it.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When it was deleted; null unless it is.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }

    /// All that happened to it, oldest first.
    async fn history(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100.", default = 20)] first: i32,
        #[graphql(desc = "Events after this cursor of an edge.")] after: Option<String>,
    ) -> Result<Option<history::History>> {
        let limit = checked("first", first)?;
        let after_version = history::decode_after(after.as_deref())?;
        let entities = entities(ctx);
        let epoch = entities.log.tail().cursor().epoch;
        let page = entities
            .customers
            .read_history(viewer(ctx)?, self.0.id, after_version, limit)
            .await
            .map_err(from_access)?;
        Ok(Some(history::connect(page, after_version, epoch)))
    }
}
