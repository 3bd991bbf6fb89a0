//! `node(id)`: any object by its global id.

use async_graphql::{Context, ID, Interface, Object};

use entities::{
    chats::ChatId,
    customers::CustomerId,
    id::{Id, decode},
    posts::PostId,
    signals::SignalId,
    students::StudentId,
    users::UserId,
};

use crate::{
    chats::{self, Chat},
    customers::Customer,
    error::Result,
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
        let Some((kind, uuid)) = decode(&id) else {
            return Ok(None);
        };
        Ok(match kind.as_str() {
            CustomerId::KIND => {
                let found = record::find(ctx, Id::from_uuid(uuid)).await?;
                found.map(Node::Customer)
            }
            UserId::KIND => {
                let found = users::find(ctx, Id::from_uuid(uuid)).await?;
                found.map(Node::User)
            }
            ChatId::KIND => {
                let found = chats::find(ctx, Id::from_uuid(uuid)).await?;
                found.map(Node::Chat)
            }
            StudentId::KIND => {
                let found = record::find(ctx, Id::from_uuid(uuid)).await?;
                found.map(Node::Student)
            }
            SignalId::KIND => {
                let found = signals::find(ctx, Id::from_uuid(uuid)).await?;
                found.map(Node::Signal)
            }
            PostId::KIND => {
                let found = posts::find(ctx, Id::from_uuid(uuid)).await?;
                found.map(Node::Post)
            }
            _ => None,
        })
    }
}
