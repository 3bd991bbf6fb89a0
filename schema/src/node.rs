//! `node(id)`: any object by its global id.

use async_graphql::{Context, ID, Interface, Object};

use crate::{
    chats::{self, Chat},
    customers::Customer,
    error::Result,
    id,
    posts::{self, Post},
    record,
    signals::{self, Signal},
    students::Student,
    users::{self, User},
};

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id."))]
pub(crate) enum Node {
    Customer(Customer),
    User(User),
    Chat(Chat),
    Post(Post),
    Student(Student),
    Signal(Signal),
}

#[derive(Default)]
pub(crate) struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Looks up an object by its global id. Null when it does not exist, or you may not see it.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id of any type.")] id: ID,
    ) -> Result<Option<Node>> {
        match id::decode(&id) {
            Some((kind, uuid)) if kind == entities::customers::STREAM => {
                Ok(record::find(ctx, uuid).await?.map(Node::Customer))
            }
            Some((kind, uuid)) if kind == users::KIND => {
                Ok(users::find(ctx, uuid).await?.map(Node::User))
            }
            Some((kind, uuid)) if kind == chats::KIND => {
                Ok(chats::find(ctx, uuid).await?.map(Node::Chat))
            }
            Some((kind, uuid)) if kind == entities::students::STREAM => {
                Ok(record::find(ctx, uuid).await?.map(Node::Student))
            }
            Some((kind, uuid)) if kind == signals::KIND => {
                Ok(signals::find(ctx, uuid).await?.map(Node::Signal))
            }
            Some((kind, uuid)) if kind == posts::KIND => {
                Ok(posts::find(ctx, uuid).await?.map(Node::Post))
            }
            _ => Ok(None),
        }
    }
}
