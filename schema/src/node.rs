//! `node(id)` and `nodes(ids)`: objects of any type by their global ids. What is asked for together is read together.

use async_graphql::{Context, ID, Interface, Object};
use futures::future::try_join_all;

use entities::{
    Violations,
    chats::{ChatId, MessageId},
    customers::CustomerId,
    id::{Id, decode},
    operations::LetterId,
    posts::{CommentId, PostId},
    signals::SignalId,
    students::StudentId,
    users::{SessionId, UserId},
};

use crate::{
    chats::{self, Chat, Message},
    customers::Customer,
    error::{Result, codes, invalid},
    list::List,
    operations::{self, DeadLetter},
    posts::{self, Comment, Post},
    price::list_size,
    record,
    signals::{self, Signal},
    students::Student,
    users::{self, User, UserSession},
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
    Comment(Comment),
    Message(Message),
    DeadLetter(DeadLetter),
    UserSession(UserSession),
}

/// The most objects in one request for several.
const MOST_NODES: usize = 100;
/// For the cost of `nodes`: more than most requests ask for.
const USUAL_NODES: i32 = 20;

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
        find(ctx, &id).await
    }

    /// Looks up objects by their global ids. The list has as many items as there are ids, in their order, and null in place of
    /// each object that does not exist, or that you may not see.
    #[graphql(directive = list_size::apply(USUAL_NODES))]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "1 to 100 global ids of any types.")] ids: Vec<ID>,
    ) -> Result<Option<List<Option<Node>>>> {
        if !(1..=MOST_NODES).contains(&ids.len()) {
            let message = format!("must have 1 to {MOST_NODES} ids");
            return Err(invalid(Violations::one("ids", "length", &message)));
        }
        let nodes = try_join_all(ids.iter().map(|id| find(ctx, id))).await?;
        Ok(Some(nodes.into()))
    }
}

/// Returns the object with this id. One of a type that the viewer's role may not see is not there for them, either.
async fn find(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    match find_any(ctx, id).await {
        Err(error) if error.has_code(codes::FORBIDDEN) => Ok(None),
        found => found,
    }
}

async fn find_any(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some((kind, uuid)) = decode(id) else {
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
        MessageId::KIND => {
            let found = chats::find_message(ctx, Id::from_uuid(uuid)).await?;
            found.map(Node::Message)
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
        CommentId::KIND => {
            let found = posts::find_comment(ctx, Id::from_uuid(uuid)).await?;
            found.map(Node::Comment)
        }
        LetterId::KIND => {
            let found = operations::find_letter(ctx, Id::from_uuid(uuid)).await?;
            found.map(Node::DeadLetter)
        }
        SessionId::KIND => {
            let found = users::find_session(ctx, Id::from_uuid(uuid)).await?;
            found.map(Node::UserSession)
        }
        _ => None,
    })
}
