//! The aggregate of a post: the state that its events fold to, and the events that each command adds. Pure: no clock, no I/O. A
//! command that is refused, or would change nothing, returns no fact. Removed and deleted content is gone from the state, too: what a
//! post was before its deletion makes no difference, so the log may have lost it (`Keeps::ends`). Called by commands and queries.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    Comment, CommentId, Post, PostCommentAdded, PostCommentEdited, PostCommentRemoved, PostCreated,
    PostDeleted, PostError, PostEvent, PostFact, PostId, PostLiked, PostMessageEdited, PostRefusal,
    PostUnliked, STREAM, rules,
};
use crate::access::UserId;

/// A post after some of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostState {
    id: PostId,
    /// `None` once the post is deleted.
    author_id: Option<UserId>,
    message: String,
    liked_by: HashSet<UserId>,
    /// The comments by number; removed ones are kept without their texts.
    comments: BTreeMap<i64, Comment>,
    /// The numbers of the comments that were not removed.
    numbers: HashMap<CommentId, i64>,
    version: i64,
    /// When the post was created; when it was deleted, if nothing else is known of it.
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}

/// The user who gives a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user_id: UserId,
    /// Whether the user may remove what others wrote.
    pub may_moderate: bool,
}

/// The commands on a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostCommand {
    /// Creates the post.
    Create {
        /// 1 to 10,000 characters.
        message: String,
    },
    /// Changes the message of the actor's own post.
    EditMessage {
        /// 1 to 10,000 characters.
        message: String,
    },
    /// Likes the post; a second like of the same user changes nothing.
    Like,
    /// Takes the like back; without a like it changes nothing.
    Unlike,
    /// Adds a comment.
    AddComment {
        /// A new id.
        comment_id: CommentId,
        /// 1 to 2,000 characters.
        text: String,
    },
    /// Changes the text of the actor's own comment.
    EditComment {
        /// The comment.
        comment_id: CommentId,
        /// 1 to 2,000 characters.
        text: String,
    },
    /// Removes the actor's own comment, or as a moderator any.
    RemoveComment {
        /// The comment.
        comment_id: CommentId,
    },
    /// Deletes the actor's own post, or as a moderator any.
    Delete,
}

/// The versions of a stream are not consecutive, or its first event is not the post's creation. A deletion may stand anywhere: of what
/// was before it, some or all may have been removed.
#[derive(Debug, thiserror::Error)]
#[error("version {version} does not continue post {}", .post_id.uuid())]
pub struct Discontinuous {
    /// The post.
    pub post_id: PostId,
    /// The version that does not fit.
    pub version: i64,
}

/// Folds `events`, which continue one stream from `state` on.
///
/// # Errors
/// Fails when an event does not continue the stream.
pub fn fold<'a>(
    mut state: Option<PostState>,
    events: impl IntoIterator<Item = &'a PostEvent>,
) -> Result<Option<PostState>, Discontinuous> {
    for event in events {
        let last = state.as_ref().map_or(0, PostState::version);
        let is_end = matches!(event.fact, PostFact::Deleted(_));
        let continues = event.version == last + 1 || is_end && event.version > last;
        state = Some(match (state, &event.fact) {
            (None, PostFact::Created(created)) if continues => PostState::new(event, Some(created)),
            (None, PostFact::Deleted(_)) if continues => {
                let mut state = PostState::new(event, None);
                state.apply(event);
                state
            }
            (Some(mut state), _) if continues => {
                state.apply(event);
                state
            }
            _ => {
                return Err(Discontinuous {
                    post_id: event.post_id,
                    version: event.version,
                });
            }
        });
    }
    Ok(state)
}

/// Returns the fact that the command adds to the post; `None` if it would change nothing.
///
/// # Errors
/// Fails when the rules refuse the command.
pub fn decide(
    state: Option<&PostState>,
    actor: Actor,
    command: &PostCommand,
) -> Result<Option<PostFact>, PostError> {
    let command = &rules::checked(command.clone())?;
    let user_id = actor.user_id;
    let state = match (state, command) {
        (None, PostCommand::Create { message }) => {
            return Ok(Some(PostFact::Created(PostCreated {
                author_id: user_id,
                message: message.clone(),
            })));
        }
        (Some(state), _) if state.deleted_at.is_none() => state,
        _ => return Err(PostError::NotFound(STREAM)),
    };
    let is_author = state.author_id == Some(user_id);
    let require = |allowed: bool| allowed.then_some(()).ok_or(PostRefusal::NotAuthor);
    Ok(match command {
        PostCommand::Create { .. } => {
            return Err(PostError::VersionConflict {
                kind: STREAM,
                current: state.version,
            });
        }
        PostCommand::EditMessage { message } => {
            require(is_author)?;
            (*message != state.message).then(|| {
                let message = message.clone();
                PostFact::MessageEdited(PostMessageEdited { message })
            })
        }
        PostCommand::Like => {
            (!state.is_liked_by(user_id)).then_some(PostFact::Liked(PostLiked { user_id }))
        }
        PostCommand::Unlike => state
            .is_liked_by(user_id)
            .then_some(PostFact::Unliked(PostUnliked { user_id })),
        PostCommand::AddComment { comment_id, text } => {
            let number = state.comments.len() as i64 + 1;
            if number > rules::COMMENTS {
                return Err(PostRefusal::TooManyComments.into());
            }
            Some(PostFact::CommentAdded(PostCommentAdded {
                comment_id: *comment_id,
                number,
                author_id: user_id,
                text: text.clone(),
            }))
        }
        PostCommand::EditComment { comment_id, text } => {
            let comment = state.get_comment(*comment_id)?;
            require(user_id == comment.author_id)?;
            (comment.text.as_ref() != Some(text)).then(|| {
                PostFact::CommentEdited(PostCommentEdited {
                    comment_id: *comment_id,
                    number: comment.number,
                    text: text.clone(),
                })
            })
        }
        PostCommand::RemoveComment { comment_id } => {
            let comment = state.get_comment(*comment_id)?;
            require(user_id == comment.author_id || actor.may_moderate)?;
            Some(PostFact::CommentRemoved(PostCommentRemoved {
                comment_id: *comment_id,
                number: comment.number,
            }))
        }
        PostCommand::Delete => {
            require(is_author || actor.may_moderate)?;
            Some(PostFact::Deleted(PostDeleted {}))
        }
    })
}

impl PostState {
    /// Returns a post at its first event. How it was created is unknown if only its deletion is left.
    fn new(event: &PostEvent, created: Option<&PostCreated>) -> Self {
        Self {
            id: event.post_id,
            author_id: created.map(|created| created.author_id),
            message: created.map_or_else(String::new, |created| created.message.clone()),
            liked_by: HashSet::new(),
            comments: BTreeMap::new(),
            numbers: HashMap::new(),
            version: event.version,
            created_at: event.occurred_at,
            updated_at: event.occurred_at,
            deleted_at: None,
        }
    }

    fn apply(&mut self, event: &PostEvent) {
        let at = event.occurred_at;
        match &event.fact {
            // Only the first event of a stream creates the post; a later one has no effect.
            PostFact::Created(_) => {}
            PostFact::MessageEdited(edited) => self.message.clone_from(&edited.message),
            PostFact::Liked(liked) => {
                self.liked_by.insert(liked.user_id);
            }
            PostFact::Unliked(unliked) => {
                self.liked_by.remove(&unliked.user_id);
            }
            PostFact::CommentAdded(added) => self.add_comment(added, at),
            PostFact::CommentEdited(edited) => {
                if let Some(comment) = self.comments.get_mut(&edited.number) {
                    comment.text = Some(edited.text.clone());
                    comment.edited_at = Some(at);
                }
            }
            PostFact::CommentRemoved(removed) => {
                self.numbers.remove(&removed.comment_id);
                if let Some(comment) = self.comments.get_mut(&removed.number) {
                    comment.text = None;
                    comment.removed_at = Some(at);
                }
            }
            PostFact::Deleted(_) => self.delete(at),
        }
        self.version = event.version;
        self.updated_at = at;
    }

    fn add_comment(&mut self, added: &PostCommentAdded, at: DateTime<Utc>) {
        let comment = Comment::added(self.id, added, at);
        self.numbers.insert(comment.id, comment.number);
        self.comments.insert(comment.number, comment);
    }

    fn delete(&mut self, at: DateTime<Utc>) {
        self.deleted_at = Some(at);
        self.author_id = None;
        self.message = String::new();
        self.liked_by = HashSet::new();
        self.numbers = HashMap::new();
        for comment in self.comments.values_mut() {
            comment.text = None;
            comment.removed_at.get_or_insert(at);
        }
    }

    /// Returns the comment with this id, unless it was removed.
    fn get_comment(&self, id: CommentId) -> Result<&Comment, PostError> {
        let number = self.numbers.get(&id);
        number
            .and_then(|number| self.comments.get(number))
            .ok_or(PostError::NotFound("comment"))
    }

    /// Returns the post, unless it is deleted.
    pub fn post(&self) -> Option<Post> {
        self.author_id.map(|author_id| Post {
            id: self.id,
            author_id,
            message: self.message.clone(),
            like_count: self.liked_by.len() as i64,
            comment_count: self.numbers.len() as i64,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    /// Returns whether the post is deleted.
    pub fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    /// Returns whether the user likes the post.
    pub fn is_liked_by(&self, user_id: UserId) -> bool {
        self.liked_by.contains(&user_id)
    }

    /// Returns the users who like the post, in no order.
    pub fn liked_by(&self) -> impl Iterator<Item = UserId> {
        self.liked_by.iter().copied()
    }

    /// Returns the comments that were not removed, in the order in which they were added.
    pub fn comments(&self) -> impl DoubleEndedIterator<Item = &Comment> {
        let all = self.comments.values();
        all.filter(|comment| comment.removed_at.is_none())
    }

    /// Returns a comment by its number, removed or not.
    pub fn comment(&self, number: i64) -> Option<&Comment> {
        self.comments.get(&number)
    }

    /// Returns the comment that an event of the post is about, as it is now. If only the deletion of the post is left, it is known only
    /// where the event added it.
    pub fn comment_of(&self, event: &PostEvent) -> Option<Comment> {
        let known = self.comments.get(&event.fact.comment_number()?);
        match (known, &event.fact, self.deleted_at) {
            (None, PostFact::CommentAdded(added), removed_at @ Some(_)) => Some(Comment {
                text: None,
                removed_at,
                ..Comment::added(self.id, added, event.occurred_at)
            }),
            (known, ..) => known.cloned(),
        }
    }

    /// Returns the number of a comment that was not removed.
    pub(super) fn number_of(&self, comment_id: CommentId) -> Option<i64> {
        self.numbers.get(&comment_id).copied()
    }

    /// Returns how many events the post consists of.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Returns the time of the last event.
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    /// Removes the texts that are gone in `now`, a later state of the post.
    pub(super) fn withhold(&mut self, now: &Self) {
        for comment in self.comments.values_mut() {
            let later = now.comments.get(&comment.number);
            if later.is_none_or(|later| later.removed_at.is_some()) {
                comment.text = None;
            }
        }
    }

    /// Returns the approximate size in memory, in bytes.
    pub(super) fn weight(&self) -> u32 {
        let texts: usize = self
            .comments
            .values()
            .map(|comment| comment.text.as_ref().map_or(0, String::len) + 250)
            .sum();
        let all = 400 + self.message.len() + self.liked_by.len() * 24 + texts;
        u32::try_from(all).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
