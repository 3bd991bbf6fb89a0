//! The GraphQL schema: objects, inputs, resolvers and subscriptions, one folder for each domain; the root only merges them.
//! Resolvers extract arguments, call `entities`, and convert the result. It knows no transport. `gateway` executes it;
//! `schema.graphql` is its text.

mod actor;
mod batches;
mod chats;
mod connection;
mod customers;
mod erasure;
mod error;
mod execution;
mod filter;
mod following;
mod history;
mod id;
mod json;
mod list;
mod live;
mod node;
mod operations;
mod payloads;
mod plain;
mod posts;
mod price;
mod read_models;
mod reads;
mod record;
mod request;
mod signals;
mod sort;
mod statistics;
mod students;
mod traced;
mod upload;
mod upward;
mod users;

use std::sync::Arc;

use async_graphql::{
    MergedObject, MergedSubscription, Request, Response, SchemaBuilder,
    parser::types::ExecutableDocument,
};
use chrono::{DateTime, Utc};
use entities::Entities;
use execution::Root;
use futures::{future::BoxFuture, stream::BoxStream};

pub use error::{Error, codes};
pub use execution::Planned;
pub use plain::{Plain, Shown};
pub use reads::{Dependencies, Reads};
pub use request::{IdempotencyKey, RequestContext, Staleness};

/// The queries of the API.
#[derive(Default, MergedObject)]
pub struct Query(
    node::NodeQuery,
    customers::CustomersQuery,
    users::UsersQuery,
    chats::ChatsQuery,
    posts::PostsQuery,
    posts::TrendingQuery,
    students::StudentsQuery,
    signals::SignalsQuery,
    operations::OperationsQuery,
    read_models::ReadModelsQuery,
    erasure::ErasureQuery,
);

/// The mutations of the API. Each is recorded as an event.
#[derive(Default, MergedObject)]
pub struct Mutation(
    customers::CustomersMutation,
    users::SignInMutation,
    users::MailingMutation,
    users::UsersMutation,
    chats::ChatsMutation,
    posts::PostsMutation,
    students::StudentsMutation,
    signals::SignalsMutation,
    operations::OperationsMutation,
    read_models::ReadModelsMutation,
    erasure::ErasureMutation,
);

/// The subscriptions of the API.
#[derive(Default, MergedSubscription)]
pub struct Subscription(
    customers::CustomersSubscription,
    users::UsersSubscription,
    chats::ChatsSubscription,
    posts::PostsSubscription,
    posts::TrendingSubscription,
    students::StudentsSubscription,
    operations::OperationsSubscription,
    signals::SignalsSubscription,
);

/// The schema that the gateway executes. Its methods are not generic, so that all resolvers are compiled once, here, and not
/// again in each crate that calls them.
#[derive(Clone)]
pub struct MillraceSchema(Arc<Planned<Query, Mutation, Subscription>>);

impl MillraceSchema {
    /// Executes the query or the mutation of this document, which is checked and planned, for a request.
    pub fn execute(
        &self,
        request: Request,
        document: Arc<ExecutableDocument>,
    ) -> BoxFuture<'static, Response> {
        let planned = self.0.clone();
        Box::pin(async move { planned.execute(request, &document).await })
    }

    /// Executes a subscription; returns a response for each of its events.
    pub fn execute_stream(&self, request: Request) -> BoxStream<'static, Response> {
        self.0.execute_stream(request)
    }
}

/// Builds the schema over `entities`.
pub fn build(entities: Entities) -> MillraceSchema {
    let (users, presences, verifications, sockets) = users::loaders(&entities.users);
    let planned = Planned::build(|builder| {
        described(builder)
            .data(users)
            .data(presences)
            .data(verifications)
            .data(sockets)
            .data(chats::loader(&entities.chats, &entities.users))
            .data(posts::loader(&entities.posts, &entities.users))
            .data(users::resolve_actor as upward::Resolve<actor::LoggedActor>)
            .data(posts::resolve_posts_of as upward::Resolve<users::PostsOfUser>)
            .data(entities)
    });
    MillraceSchema(Arc::new(planned))
}

/// Returns the schema's text, as committed in `schema/schema.graphql`.
pub fn sdl() -> String {
    Planned::build(described).sdl()
}

type Builder = SchemaBuilder<Root<Query>, Mutation, Subscription>;

/// Adds descriptions for clients to async-graphql's own types.
fn described(builder: Builder) -> Builder {
    builder
        .directive(live::Live)
        // Fields that lead to actors name the type only.
        .register_output_type::<users::Actor>()
        .override_output_type_description::<DateTime<Utc>>(
            "A time in UTC, as RFC 3339 writes it: `2026-01-31T09:30:00Z`.",
        )
        .override_output_type_description::<async_graphql::connection::PageInfo>(
            "Where a page of a list is: whether there is more, and its cursors.",
        )
        .override_output_type_description::<async_graphql::Json<serde_json::Value>>(
            "Any JSON value.",
        )
        .override_output_type_description::<chats::ChatConnection>("A page of chats.")
        .override_output_type_description::<chats::MessageConnection>("A page of messages.")
        .override_output_type_description::<operations::DeadLetterConnection>(
            "A page of dead letters.",
        )
        .override_output_type_description::<operations::LoggedEventConnection>("A page of events.")
        .override_output_type_description::<history::History>("A page of the events of an object.")
        .override_output_type_description::<record::List<customers::Customer>>(
            "A page of customers.",
        )
        .override_output_type_description::<record::List<students::Student>>("A page of students.")
        .override_output_type_description::<posts::CommentConnection>("A page of comments.")
        .override_output_type_description::<posts::LikerConnection>(
            "A page of the users who like a post.",
        )
        .override_output_type_description::<posts::PostConnection>("A page of posts.")
        .override_output_type_description::<signals::SignalConnection>("A page of signals.")
        .override_output_type_description::<users::UserConnection>("A page of users.")
}

#[cfg(test)]
mod vocabulary;

#[cfg(test)]
mod tests {
    /// `UPDATE_EXPECT=1 cargo test --workspace --lib committed` writes the file.
    #[test]
    fn the_committed_schema_is_current() {
        expect_test::expect_file!["../schema.graphql"].assert_eq(&super::sdl());
    }
}
