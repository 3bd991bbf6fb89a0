//! Changes of posts as clients see them. The post of an event is folded from the log, up to the event or later: it is never
//! older, and shows nothing that was removed since.

use async_graphql::{Enum, ID, SimpleObject};
use chrono::{DateTime, Utc};
use entities::posts::{self, PostEvent, PostFact, Posts};
use events::Event;

use super::{comment::Comment, object::Post};
use crate::{
    actor::ActorRef,
    error::{Error, Result, codes, error, from_event},
    users::UserRef,
};
use entities::users::UserId;

/// The type of a change to a post.
#[derive(Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "posts::PostEventKind")]
pub(crate) enum PostChangeType {
    /// The post was created.
    Created,
    /// The author changed the message.
    #[graphql(name = "UPDATED")]
    MessageEdited,
    /// A user liked the post.
    Liked,
    /// A user took back their like.
    Unliked,
    /// A comment was added.
    CommentAdded,
    /// The text of a comment was changed.
    #[graphql(name = "COMMENT_UPDATED")]
    CommentEdited,
    /// A comment was deleted.
    #[graphql(name = "COMMENT_DELETED")]
    CommentRemoved,
    /// The post was deleted, with its comments and likes.
    Deleted,
}

/// A change to a post.
#[derive(SimpleObject)]
pub(crate) struct PostChange {
    /// The cursor of the change. Subscribe with `after` to resume behind it.
    cursor: String,
    /// What happened.
    #[graphql(name = "type")]
    change_type: PostChangeType,
    /// Who caused it.
    actor: ActorRef,
    /// When it happened.
    occurred_at: DateTime<Utc>,
    /// The post's version after the change.
    version: i64,
    /// The post's global id, even when the post was deleted.
    post_id: ID,
    /// The post after the change, or a later state of it. Null when the post was deleted, by this change or since.
    post: Option<Post>,
    /// The comment that was added, updated or deleted, as of the change or later. Null for other changes.
    comment: Option<Comment>,
    /// The user who liked the post or took back their like. Null for other changes.
    user: Option<UserRef>,
}

impl PostChange {
    /// Returns the event, with the post as it was then or later.
    pub(super) async fn new(posts: &Posts, event: &Event, cursor: String) -> Result<Self> {
        let decoded = PostEvent::decode(event).map_err(|cause| from_event(&cause))?;
        let state = posts
            .read_post_since(decoded.post_id, decoded.version, event.event_id)
            .await
            .map_err(|cause| from_event(&cause))?;
        // A delivered event is in the log, so its post can be folded.
        let state = state.ok_or_else(missing)?;
        let comment = state.comment_of(&decoded);
        Ok(Self {
            cursor,
            change_type: decoded.fact.kind().into(),
            actor: event.meta.actor.as_str().into(),
            occurred_at: decoded.occurred_at,
            version: decoded.version,
            post_id: decoded.post_id.into(),
            post: Post::of_state(&state),
            comment: comment.map(|row| Comment::of_state(row, &state)),
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
    /// The cursor of the comment. Subscribe with `after` to resume behind it.
    cursor: String,
    /// Who added the comment.
    actor: ActorRef,
    /// When the comment was added.
    occurred_at: DateTime<Utc>,
    /// The post's version after the comment was added.
    version: i64,
    /// The comment as it was added, or a later state of it: one that was deleted since has no text.
    comment: Comment,
    /// The global id of the comment's post, even when the post was deleted.
    post_id: ID,
    /// The post with the comment, or a later state of it. Null when the post was deleted.
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
            post_id: change.post_id,
            post: change.post,
        })
    }
}

/// Returns the error for an object that an event names and the fold lacks, which cannot happen: it is in the log.
pub(super) fn missing() -> Error {
    error(codes::INTERNAL, "internal error")
}

/// Returns whether the event is of this kind, before it is decoded.
pub(super) fn is_of(event: &Event, kind: posts::PostEventKind) -> bool {
    event.event_type == kind.name()
}

/// Returns whether the event is a post's creation by this user; `None` stands for all users.
pub(super) fn is_created_by(event: &Event, author_id: Option<UserId>) -> bool {
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
