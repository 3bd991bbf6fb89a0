//! What happens to posts as clients see it. The post that an event is shown with is folded from the log, up to the event or
//! later: it is never older, and shows nothing that was removed since.

use async_graphql::{Enum, Error, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::posts::{self, PostEvent, PostFact, Posts};
use events::Event;

use super::{comment::Comment, object::Post};
use crate::{
    error::{codes, error, from_event},
    users::UserRef,
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
#[derive(SimpleObject)]
pub(crate) struct PostChange {
    /// The change's place in the log: subscribe with `after` this to get what follows.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    change_type: PostChangeType,
    /// Who did it.
    actor: String,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The post's version after the change.
    version: i64,
    /// The post after the change, or later; null when it is deleted.
    post: Option<Post>,
    /// The comment that was added, edited or removed, as it was after the change, or later; null for other changes.
    comment: Option<Comment>,
    /// Who likes the post, or likes it no more; null for other changes.
    user: Option<UserRef>,
}

impl PostChange {
    /// The event, with the post as it is then or later.
    pub(super) async fn new(posts: &Posts, event: &Event, cursor: String) -> Result<Self> {
        let decoded = PostEvent::decode(event).map_err(|cause| from_event(&cause))?;
        let state = posts
            .read_post_since(decoded.post_id, decoded.version, event.event_id)
            .await
            .map_err(|cause| from_event(&cause))?;
        // An event that was delivered is in the log, so its post folds.
        let state = state.ok_or_else(missing)?;
        let number = decoded.fact.comment_number();
        let comment = number.and_then(|number| state.comment(number).cloned());
        Ok(Self {
            cursor,
            change_type: decoded.fact.kind().into(),
            actor: event.meta.actor.clone(),
            occurred_at: decoded.occurred_at,
            version: decoded.version,
            post: Post::of_state(&state),
            comment: comment.map(Comment::from),
            user: match &decoded.fact {
                PostFact::Liked(liked) => Some(liked.user_id.into()),
                PostFact::Unliked(unliked) => Some(unliked.user_id.into()),
                _ => None,
            },
        })
    }
}

/// A comment that was added to a post.
#[derive(SimpleObject)]
pub(crate) struct CommentAdded {
    /// The comment's place in the log: subscribe with `after` this to get what follows.
    cursor: String,
    /// Who added it.
    actor: String,
    /// When it was added.
    occurred_at: DateTime<Utc>,
    /// The post's version after it.
    version: i64,
    /// The comment as it was added, or later: one that was removed since has no text.
    comment: Comment,
    /// The post with the comment, or later; null when it is deleted.
    post: Option<Post>,
}

impl TryFrom<PostChange> for CommentAdded {
    type Error = Error;

    fn try_from(change: PostChange) -> Result<Self> {
        Ok(Self {
            cursor: change.cursor,
            actor: change.actor,
            occurred_at: change.occurred_at,
            version: change.version,
            comment: change.comment.ok_or_else(missing)?,
            post: change.post,
        })
    }
}

/// What an event names is in the log, and in the fold.
pub(super) fn missing() -> Error {
    error(codes::INTERNAL, "internal error")
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
