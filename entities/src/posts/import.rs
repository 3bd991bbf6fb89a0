//! Imports many posts with their comments and likes in one transaction, for demo data and measurements. The events are those
//! that the commands would have appended, one after the other.

use std::sync::Arc;

use ::events::{Appending, now};

use super::{
    CommentId, PostCommentAdded, PostCreated, PostError, PostFact, PostId, PostLiked, Posts,
    STREAM, events::new_event, rules,
};
use crate::{
    CommandContext,
    access::{Action, UserId, authorize},
    boxed,
};

/// A post to import.
#[derive(Debug, Clone)]
pub struct NewPost {
    /// The author.
    pub author_id: UserId,
    /// 1 to 10,000 characters.
    pub message: String,
    /// The users who like it, each once.
    pub liked_by: Vec<UserId>,
    /// The comments: each author with a text of 1 to 2,000 characters.
    pub comments: Vec<(UserId, String)>,
}

/// A fact, with the version that its post has before it.
type Step = (PostId, i64, PostFact);

impl Posts {
    /// Writes all posts or none; returns the number of appended events. Likes and comments of different posts alternate, as in
    /// practice.
    ///
    /// # Errors
    /// Fails when one of the texts breaks the rules.
    #[boxed]
    pub async fn import_posts(
        &self,
        context: CommandContext,
        posts: Vec<NewPost>,
    ) -> Result<u64, PostError> {
        authorize(&context.viewer, Action::WritePosts)?;
        let steps: Arc<Vec<Step>> = Arc::new(steps(posts)?);
        let count = steps.len() as u64;
        self.log
            .write(move |tx| {
                let (steps, meta, at) = (steps.clone(), context.meta(), now());
                Box::pin(async move {
                    let events = steps.iter().map(|(stream_id, expected, fact)| Appending {
                        stream_id: stream_id.uuid(),
                        expected: *expected,
                        event: new_event(fact, at),
                        meta: &meta,
                    });
                    tx.append_all(STREAM, events.collect()).await?;
                    Ok::<_, PostError>(())
                })
            })
            .await?;
        Ok(count)
    }
}

/// Returns the facts in order: all posts are created first; then each gets one like or comment in turn, until none are left.
fn steps(posts: Vec<NewPost>) -> Result<Vec<Step>, PostError> {
    let mut steps = Vec::new();
    let mut waiting = Vec::new();
    for post in posts {
        let id = PostId::generate();
        let created = PostCreated {
            author_id: post.author_id,
            message: rules::message(&post.message)?,
        };
        steps.push((id, 0, PostFact::Created(created)));
        let mut facts = Vec::new();
        for (number, (author_id, text)) in (1..).zip(post.comments) {
            facts.push(PostFact::CommentAdded(PostCommentAdded {
                comment_id: CommentId::generate(),
                number,
                author_id,
                text: rules::comment(&text)?,
            }));
        }
        let likes = post.liked_by.into_iter();
        facts.extend(likes.map(|user_id| PostFact::Liked(PostLiked { user_id })));
        waiting.push((id, 1, facts.into_iter()));
    }
    while !waiting.is_empty() {
        waiting.retain_mut(|(id, version, facts)| match facts.next() {
            Some(fact) => {
                steps.push((*id, *version, fact));
                *version += 1;
                true
            }
            None => false,
        });
    }
    Ok(steps)
}
