//! What happens to posts as clients see it. The post that an event is shown with is folded from the log, up to the event or
//! later: it is never older, and shows nothing that was removed since.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, Result};
use chrono::{DateTime, Utc};
use entities::posts::{self, PostEvent, PostFact, PostState};
use events::{Cursor, Event};

use super::{
    comment::{Comment, get_user},
    object::Post,
};
use crate::{
    at_hand::Quick,
    error::{codes, error, from_event},
    users::User,
};

/// What can happen to a post.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "posts::PostEventKind")]
pub(crate) enum PostChangeType {
    /// It was written.
    Created,
    /// Its author changed its message.
    MessageEdited,
    /// A user likes it.
    Liked,
    /// A user likes it no more.
    Unliked,
    /// A user commented on it.
    CommentAdded,
    /// The text of a comment was changed.
    CommentEdited,
    /// A comment was removed.
    CommentRemoved,
    /// It was deleted, with its comments and likes.
    Deleted,
}

/// Something that happened to a post.
pub(crate) struct PostChange {
    cursor: Cursor,
    actor: String,
    event: PostEvent,
    state: Arc<PostState>,
}

impl PostChange {
    /// The event, with the post as it is then or later.
    pub(super) async fn new(
        entities: &entities::Entities,
        event: &Event,
        cursor: Cursor,
    ) -> Result<Self> {
        let decoded = PostEvent::decode(event).map_err(|cause| from_event(&cause))?;
        let state = entities
            .posts
            .read_post_since(decoded.post_id, decoded.version, event.event_id)
            .await
            .map_err(|cause| from_event(&cause))?;
        Ok(Self {
            cursor,
            actor: event.meta.actor.clone(),
            // An event that was delivered is in the log, so its post folds.
            state: state.ok_or_else(|| error(codes::INTERNAL, "internal error"))?,
            event: decoded,
        })
    }

    fn shown_comment(&self) -> Option<Comment> {
        let number = self.event.fact.comment_number()?;
        self.state.comment(number).cloned().map(Comment::from)
    }
}

#[Object]
impl PostChange {
    /// The change's place in the log: subscribe with `after` this to get what follows.
    async fn cursor(&self) -> String {
        self.cursor.to_string()
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn change_type(&self) -> PostChangeType {
        self.event.fact.kind().into()
    }

    /// Who did it.
    async fn actor(&self) -> &str {
        &self.actor
    }

    /// When it happened.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.event.occurred_at
    }

    /// The post's version after the change.
    async fn version(&self) -> i64 {
        self.event.version
    }

    /// The post after the change, or later; null when it is deleted.
    async fn post(&self) -> Option<Post> {
        Post::of_state(&self.state)
    }

    /// The comment that was added, edited or removed, as it was after the change, or later; null for other changes.
    async fn comment(&self) -> Option<Comment> {
        self.shown_comment()
    }

    /// Who likes the post, or likes it no more; null for other changes.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<Quick<User>>> {
        let user_id = match &self.event.fact {
            PostFact::Liked(liked) => liked.user_id,
            PostFact::Unliked(unliked) => unliked.user_id,
            _ => return Ok(None),
        };
        get_user(ctx, user_id).await.map(Some)
    }
}

/// A comment that was added to a post.
pub(crate) struct CommentAdded(pub(super) PostChange);

#[Object]
impl CommentAdded {
    /// The comment's place in the log: subscribe with `after` this to get what follows.
    async fn cursor(&self) -> String {
        self.0.cursor.to_string()
    }

    /// Who added it.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// When it was added.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.0.event.occurred_at
    }

    /// The post's version after it.
    async fn version(&self) -> i64 {
        self.0.event.version
    }

    /// The comment as it was added, or later: one that was removed since has no text.
    async fn comment(&self) -> Result<Comment> {
        let comment = self.0.shown_comment();
        comment.ok_or_else(|| error(codes::INTERNAL, "internal error"))
    }

    /// The post with the comment, or later; null when it is deleted.
    async fn post(&self) -> Option<Post> {
        Post::of_state(&self.0.state)
    }
}

/// Whether an event is worth a look before it is decoded.
pub(super) fn is_of(event: &Event, kind: posts::PostEventKind) -> bool {
    event.event_type == kind.name()
}

/// Whether a post was created by this user; `None` stands for all users.
pub(super) fn is_created_by(event: &Event, author_id: Option<uuid::Uuid>) -> bool {
    if !is_of(event, posts::PostEventKind::Created) {
        return false;
    }
    author_id.is_none_or(|author_id| match PostEvent::decode(event) {
        Ok(PostEvent {
            fact: PostFact::Created(created),
            ..
        }) => created.author_id == author_id,
        _ => false,
    })
}
