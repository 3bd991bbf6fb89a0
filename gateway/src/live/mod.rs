//! Execution against the real schema, with subscriptions shared: those that are alike (document, variables, caller) are
//! executed and serialized once for each event, and their subscribers share the bytes.
//!
//! A subscriber holds a place, not a queue. While it keeps up it takes frames from its group; when it comes with an
//! older cursor, or falls behind the group's bounded buffer, it reads the log at its own pace, executing for itself,
//! and joins the group again where that ends. The argument that nothing is missed or doubled is in `subscriber`.

mod group;
mod request;
mod subscriber;

use std::sync::Arc;

use async_graphql::{Request, Response, ServerError};
use events::EventLog;
use futures::stream::BoxStream;
use schema::MillraceSchema;

use crate::{
    limits::Limits,
    operation::{Operations, Payload},
};
use group::Groups;
use request::SubscriptionRequest;

/// Executes operations on the schema of this process.
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    schema: MillraceSchema,
    log: EventLog,
    limits: Limits,
    groups: Groups,
}

impl Live {
    /// Execution of `schema` over `log`.
    #[must_use]
    pub fn new(schema: MillraceSchema, log: EventLog, limits: Limits) -> Self {
        let shared = Shared {
            schema,
            log,
            limits,
            groups: Groups::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Operations for Live {
    type Stream = BoxStream<'static, Payload>;

    async fn execute(&self, mut request: Request) -> Response {
        request::complete(&mut request);
        // Before execution: everything up to here is visible to it, so a subscription from here misses nothing.
        let cursor = self.shared.log.tail().cursor();
        let response = self.shared.schema.execute(request).await;
        response.extension("cursor", cursor.to_string().into())
    }

    async fn subscribe(&self, request: Request) -> Result<Self::Stream, Vec<ServerError>> {
        let request = SubscriptionRequest::new(request, &self.shared.log).await?;
        subscriber::open(self.shared.clone(), request).await
    }
}
