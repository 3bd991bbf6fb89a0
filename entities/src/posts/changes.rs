//! The changes that a batch of events makes to the rows of the read model. They are collapsed in memory first, so that each
//! kind of change is one statement, however many events there are. However the events are cut into batches, the rows agree with
//! the fold.

mod store;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

pub(super) use store::use_indexes;

use super::{Comment, Post, PostEvent, PostFact, PostId};
use crate::access::UserId;

/// A post that existed before the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moved {
    message: Option<String>,
    likes: i64,
    comments: i64,
    version: i64,
    updated_at: DateTime<Utc>,
}

/// Whether the user liked the post before the batch, and since when they like it after the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Liking {
    before: bool,
    after: Option<DateTime<Utc>>,
}

/// The change of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Touched {
    Edited { text: String, at: DateTime<Utc> },
    Removed,
}

/// The changes that a batch of events makes to the read model. Keys of comments and likes begin with the post. Rows are written in
/// the order of their keys, so that those beside each other in an index are written one after another.
#[derive(Debug, Default)]
pub(super) struct Changes {
    created: BTreeMap<PostId, Post>,
    moved: BTreeMap<PostId, Moved>,
    deleted: HashSet<PostId>,
    added: BTreeMap<(PostId, i64), Comment>,
    /// The changed comments, including those that the batch adds.
    touched: HashMap<(PostId, i64), Touched>,
    likings: BTreeMap<(PostId, UserId), Liking>,
}

impl Changes {
    pub(super) fn of<'a>(events: impl IntoIterator<Item = &'a PostEvent>) -> Self {
        let mut changes = Self::default();
        for event in events {
            changes.add(event);
        }
        // Nothing follows a deletion; earlier events of the post in the batch have no effect.
        let deleted = &changes.deleted;
        if !deleted.is_empty() {
            changes.created.retain(|id, _| !deleted.contains(id));
            changes.moved.retain(|id, _| !deleted.contains(id));
            changes.added.retain(|(id, _), _| !deleted.contains(id));
            changes.touched.retain(|(id, _), _| !deleted.contains(id));
            changes.likings.retain(|(id, _), _| !deleted.contains(id));
        }
        changes
    }

    fn add(&mut self, event: &PostEvent) {
        let (id, at) = (event.post_id, event.occurred_at);
        match &event.fact {
            PostFact::Created(created) => {
                let post = Post {
                    id,
                    author_id: created.author_id,
                    message: created.message.clone(),
                    like_count: 0,
                    comment_count: 0,
                    version: event.version,
                    created_at: at,
                    updated_at: at,
                };
                self.created.insert(id, post);
            }
            PostFact::MessageEdited(edited) => self.move_post(event, Some(&edited.message), 0, 0),
            PostFact::Liked(liked) => {
                self.like(id, liked.user_id, Some(at));
                self.move_post(event, None, 1, 0);
            }
            PostFact::Unliked(unliked) => {
                self.like(id, unliked.user_id, None);
                self.move_post(event, None, -1, 0);
            }
            PostFact::CommentAdded(added) => {
                let comment = Comment::added(id, added, at);
                self.added.insert((id, added.number), comment);
                self.move_post(event, None, 0, 1);
            }
            PostFact::CommentEdited(edited) => {
                let text = edited.text.clone();
                let touched = Touched::Edited { text, at };
                self.touched.insert((id, edited.number), touched);
                self.move_post(event, None, 0, 0);
            }
            PostFact::CommentRemoved(removed) => {
                let key = (id, removed.number);
                // A comment that was added in this batch disappears without a trace.
                if self.added.remove(&key).is_some() {
                    self.touched.remove(&key);
                } else {
                    self.touched.insert(key, Touched::Removed);
                }
                self.move_post(event, None, 0, -1);
            }
            PostFact::Deleted(_) => {
                self.deleted.insert(id);
            }
        }
    }

    fn move_post(&mut self, event: &PostEvent, message: Option<&str>, likes: i64, comments: i64) {
        if let Some(post) = self.created.get_mut(&event.post_id) {
            if let Some(message) = message {
                message.clone_into(&mut post.message);
            }
            post.like_count += likes;
            post.comment_count += comments;
            post.version = event.version;
            post.updated_at = event.occurred_at;
            return;
        }
        let moved = self.moved.entry(event.post_id).or_insert(Moved {
            message: None,
            likes: 0,
            comments: 0,
            version: event.version,
            updated_at: event.occurred_at,
        });
        moved.message = message.map(str::to_owned).or(moved.message.take());
        moved.likes += likes;
        moved.comments += comments;
        moved.version = event.version;
        moved.updated_at = event.occurred_at;
    }

    fn like(&mut self, post_id: PostId, user_id: UserId, after: Option<DateTime<Utc>>) {
        // A user's likes and unlikes alternate, so the first of them tells the state before the batch.
        let before = after.is_none();
        let first = Liking { before, after };
        let liking = self.likings.entry((post_id, user_id)).or_insert(first);
        liking.after = after;
    }
}

#[cfg(test)]
mod tests;
