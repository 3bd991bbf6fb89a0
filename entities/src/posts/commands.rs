//! The commands on posts: each folds the post, lets the aggregate decide, and appends its facts, in one transaction. Commands
//! on one post queue for a lock, so that many likes of one post cause no retries. The lock is not what keeps other events out
//! between the fold and the append: the version does that.

use std::sync::Arc;

use ::events::{
    Tx, Written, now,
    sql::{Dialect, execute, query_one_as},
};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use super::{
    Actor, Comment, CommentId, PostCommand, PostError, PostEvent, PostFact, PostId, PostState,
    Posts, STREAM, decide,
    events::new_event,
    fold,
    folding::{Fold, Folds, Past, broken},
    rules,
};
use crate::{
    CommandContext,
    access::{Action, authorize},
    boxed, idempotency,
};

type Result<T, E = PostError> = std::result::Result<T, E>;

/// The first key of the locks of posts; Postgres distinguishes locks with two keys from those with one.
const LOCKS: i32 = 0x706f_7374;

/// Names the post to change, and the version that the caller saw.
#[derive(Debug, Clone, Copy)]
pub struct ChangePost {
    /// The id of the post.
    pub id: PostId,
    /// Fails with a conflict when the post is at another version.
    pub expected_version: Option<i64>,
}

/// The answer of a command.
#[derive(Debug, Clone)]
pub struct PostAnswer {
    /// The post after the command.
    pub state: Arc<PostState>,
    /// The comment that the command is about, after the command.
    pub comment: Option<Comment>,
    /// The post as it was before, if the command has deleted it.
    pub deleted: Option<Arc<PostState>>,
}

/// The stored part of an answer, for repeats: the rest is in the log.
#[derive(Clone, Serialize, Deserialize)]
struct Done {
    id: PostId,
    version: i64,
    comment: Option<i64>,
    /// The fold with its past; absent from a repeat.
    #[serde(skip)]
    state: Option<(Past, Answered)>,
    /// The post as it was before it was deleted; absent from a repeat.
    #[serde(skip)]
    deleted: Option<Arc<PostState>>,
}

/// The post in the answer of a command.
#[derive(Clone)]
enum Answered {
    /// The post as it was before.
    Unchanged(Arc<PostState>),
    /// The post after the command's event.
    Changed(Fold),
}

/// The post that a command is about.
#[derive(Clone, Copy)]
enum Target {
    Post(ChangePost),
    PostOf(CommentId),
}

/// A command with its caller and target.
#[derive(Clone)]
struct Order {
    context: CommandContext,
    actor: Actor,
    target: Target,
    command: PostCommand,
}

impl Posts {
    /// Creates a post.
    #[boxed]
    pub async fn create_post(
        &self,
        context: CommandContext,
        message: String,
    ) -> Result<PostAnswer> {
        let command = PostCommand::Create { message };
        self.execute(context, at_any_version(PostId::generate()), command)
            .await
    }

    /// Changes the message of the viewer's own post.
    #[boxed]
    pub async fn edit_post_message(
        &self,
        context: CommandContext,
        target: ChangePost,
        message: String,
    ) -> Result<PostAnswer> {
        let command = PostCommand::EditMessage { message };
        self.execute(context, Target::Post(target), command).await
    }

    /// Likes a post. A second like of the same user changes nothing and appends no event.
    #[boxed]
    pub async fn like_post(&self, context: CommandContext, id: PostId) -> Result<PostAnswer> {
        self.execute(context, at_any_version(id), PostCommand::Like)
            .await
    }

    /// Takes a like back. Without a like it changes nothing and appends no event.
    #[boxed]
    pub async fn unlike_post(&self, context: CommandContext, id: PostId) -> Result<PostAnswer> {
        self.execute(context, at_any_version(id), PostCommand::Unlike)
            .await
    }

    /// Comments on a post.
    #[boxed]
    pub async fn add_comment(
        &self,
        context: CommandContext,
        post_id: PostId,
        text: String,
    ) -> Result<PostAnswer> {
        let comment_id = CommentId::generate();
        let command = PostCommand::AddComment { comment_id, text };
        self.execute(context, at_any_version(post_id), command)
            .await
    }

    /// Changes the text of the viewer's own comment.
    #[boxed]
    pub async fn edit_comment(
        &self,
        context: CommandContext,
        comment_id: CommentId,
        text: String,
    ) -> Result<PostAnswer> {
        let command = PostCommand::EditComment { comment_id, text };
        self.execute(context, Target::PostOf(comment_id), command)
            .await
    }

    /// Removes a comment: the viewer's own, or as a moderator any.
    #[boxed]
    pub async fn remove_comment(
        &self,
        context: CommandContext,
        comment_id: CommentId,
    ) -> Result<PostAnswer> {
        let command = PostCommand::RemoveComment { comment_id };
        self.execute(context, Target::PostOf(comment_id), command)
            .await
    }

    /// Deletes a post with its comments and likes: the viewer's own, or as a moderator any.
    #[boxed]
    pub async fn delete_post(
        &self,
        context: CommandContext,
        target: ChangePost,
    ) -> Result<PostAnswer> {
        self.execute(context, Target::Post(target), PostCommand::Delete)
            .await
    }

    async fn execute(
        &self,
        context: CommandContext,
        target: Target,
        command: PostCommand,
    ) -> Result<PostAnswer> {
        authorize(&context.viewer, Action::WritePosts)?;
        let actor = Actor {
            user_id: context.viewer.require_user()?,
            may_moderate: authorize(&context.viewer, Action::ModeratePosts).is_ok(),
        };
        // The aggregate checks the command, too; this saves a transaction for invalid input.
        let command = rules::checked(command)?;
        let order = Order {
            context,
            actor,
            target,
            command,
        };
        let folds = self.folds.clone();
        let done = self
            .log
            .write(move |tx| {
                let (folds, order) = (folds.clone(), order.clone());
                Box::pin(async move {
                    let work = execute_in_tx(tx, &folds, &order);
                    idempotency::once(tx, &order.context, work).await
                })
            })
            .await?;
        self.answer(done).await
    }

    /// Returns the answer; a repeat gets the first one.
    async fn answer(&self, done: Done) -> Result<PostAnswer> {
        let state = match done.state {
            Some((_, Answered::Unchanged(state))) => state,
            Some((past, Answered::Changed(fold))) => {
                self.folds.remember(past, done.id, &fold);
                fold.state
            }
            None => {
                let state = self.folds.read_at(done.id, done.version).await?;
                state.ok_or(PostError::NotFound(STREAM))?
            }
        };
        let comment = done.comment.and_then(|number| state.comment(number));
        let comment = comment.cloned();
        let deleted = match done.deleted {
            // A repeat may come late, when only the deletion is left.
            None if state.is_deleted() => {
                let before = self.folds.read_at(done.id, done.version - 1).await?;
                Some(before.ok_or(PostError::NotFound(STREAM))?)
            }
            deleted => deleted,
        };
        Ok(PostAnswer {
            state,
            comment,
            deleted,
        })
    }
}

fn at_any_version(id: PostId) -> Target {
    Target::Post(ChangePost {
        id,
        expected_version: None,
    })
}

/// Returns the post of a comment. The log says it as soon as the comment is there, which the read model does not.
async fn post_of_in_tx(tx: &Tx<'_>, comment: CommentId) -> Result<PostId> {
    // The text of the condition is the one that the index `event_comment` has.
    let sql =
        "select stream_id from event where type = 'PostCommentAdded' and data ->> 'commentId' = $1";
    let post = query_one_as(&**tx, sql, vec![comment.uuid().to_string().into()]).await?;
    post.ok_or(PostError::NotFound("comment"))
}

async fn execute_in_tx(tx: &Tx<'_>, folds: &Folds, order: &Order) -> Result<Done> {
    let past = folds.past();
    let (id, expected_version) = match order.target {
        Target::Post(target) => (target.id, target.expected_version),
        Target::PostOf(comment) => (post_of_in_tx(tx, comment).await?, None),
    };
    let before = match &order.command {
        PostCommand::Create { .. } => None,
        _ => {
            lock_in_tx(tx, id).await?;
            folds.read_in_tx(tx, id).await?
        }
    };
    let fact = decide(before.as_deref(), order.actor, &order.command)?;
    let current = before.as_ref().map_or(0, |before| before.version());
    PostError::check_version(STREAM, expected_version, current)?;
    let deleted = before
        .clone()
        .filter(|_| matches!(fact, Some(PostFact::Deleted(_))));
    let about = match (&order.command, &fact) {
        (_, Some(fact)) => fact.comment_number(),
        (PostCommand::EditComment { comment_id, .. }, None) => {
            let before = before.as_ref();
            before.and_then(|before| before.number_of(*comment_id))
        }
        _ => None,
    };
    let after = match fact {
        None => {
            // The post in the answer may be another command's work; a caller who waits for the read model waits for that event.
            let written = Written {
                kind: STREAM.to_owned(),
                stream_id: id.uuid(),
                version: current,
            };
            let owner = order.context.viewer.actor();
            order.context.receipt.record_earlier(written, owner);
            before.map(Answered::Unchanged)
        }
        Some(fact) => {
            // The time never goes backwards, whatever the clocks of the processes say.
            let last = before.as_ref().map(|before| before.updated_at());
            let event = PostEvent {
                post_id: id,
                version: current + 1,
                occurred_at: last.map_or_else(now, |last| last.max(now())),
                fact,
            };
            let stream = id.stream();
            let new = new_event(&event.fact, event.occurred_at);
            let last = tx
                .append_event(stream, current, new, &order.context.meta())
                .await?;
            let before = before.map(Arc::unwrap_or_clone);
            let state = fold(before, [&event]).map_err(broken)?.map(Arc::new);
            state.map(|state| Answered::Changed(Fold { state, last }))
        }
    };
    let answered = after.ok_or(PostError::NotFound(STREAM))?;
    let version = match &answered {
        Answered::Unchanged(state) | Answered::Changed(Fold { state, .. }) => state.version(),
    };
    Ok(Done {
        id,
        version,
        comment: about,
        state: Some((past, answered)),
        deleted,
    })
}

/// Waits for other commands on the post to end; SQLite has one writer.
async fn lock_in_tx(tx: &Tx<'_>, id: PostId) -> Result<()> {
    if tx.get_database_backend().is_postgres() {
        // The last bytes of a uuid v7 are random. Posts that share them merely wait for each other.
        let key = id.uuid().as_u128() as i32;
        let sql = "select pg_advisory_xact_lock($1, $2)";
        execute(&**tx, sql, vec![LOCKS.into(), key.into()]).await?;
    }
    Ok(())
}
