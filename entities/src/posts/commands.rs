//! The commands: each folds the post, lets the aggregate decide, and appends what it says, in one transaction. Commands on
//! one post queue for a lock, so that a post that many like at once costs them no retries; that nothing comes between the
//! fold and the append is not the lock's doing, but the version's.

use std::sync::Arc;

use ::events::{
    Tx, Written, now,
    sql::{Dialect, execute},
};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use super::{
    Actor, Comment, CommentId, PostCommand, PostError, PostEvent, PostId, PostState, Posts, STREAM,
    decide,
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

/// The first key of the locks of posts; Postgres keeps locks of two keys apart from those of one.
const LOCKS: i32 = 0x706f_7374;

/// Which post to change, and in which version the caller saw it.
#[derive(Debug, Clone, Copy)]
pub struct ChangePost {
    /// Its id.
    pub id: PostId,
    /// Fails with a conflict when the post is at another version.
    pub expected_version: Option<i64>,
}

/// Which comment to change.
#[derive(Debug, Clone, Copy)]
pub struct ChangeComment {
    /// The post it is on.
    pub post_id: PostId,
    /// Its id.
    pub id: CommentId,
}

/// What a command answers.
#[derive(Debug, Clone)]
pub struct PostAnswer {
    /// The post after it.
    pub state: Arc<PostState>,
    /// The comment it was about, after it.
    pub comment: Option<Comment>,
}

/// What is stored of an answer, so that a repeat gets it again: the log has the rest.
#[derive(Clone, Serialize, Deserialize)]
struct Done {
    id: PostId,
    version: i64,
    comment: Option<i64>,
    /// Absent from a repeat; with the past of which it is a fold.
    #[serde(skip)]
    state: Option<(Past, Answered)>,
}

/// The post that a command answers.
#[derive(Clone)]
enum Answered {
    /// As it was before.
    Unchanged(Arc<PostState>),
    /// After the event of the command.
    Changed(Fold),
}

/// A command on its way.
#[derive(Clone)]
struct Order {
    context: CommandContext,
    actor: Actor,
    target: ChangePost,
    command: PostCommand,
}

impl Posts {
    /// Writes a post.
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
        self.execute(context, target, command).await
    }

    /// Likes a post. Who likes it already changes nothing, and no event is appended.
    #[boxed]
    pub async fn like_post(&self, context: CommandContext, id: PostId) -> Result<PostAnswer> {
        self.execute(context, at_any_version(id), PostCommand::Like)
            .await
    }

    /// Takes a like back. Who does not like it changes nothing, and no event is appended.
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
        target: ChangeComment,
        text: String,
    ) -> Result<PostAnswer> {
        let comment_id = target.id;
        let command = PostCommand::EditComment { comment_id, text };
        self.execute(context, at_any_version(target.post_id), command)
            .await
    }

    /// Removes a comment: one's own, or as a moderator any.
    #[boxed]
    pub async fn remove_comment(
        &self,
        context: CommandContext,
        target: ChangeComment,
    ) -> Result<PostAnswer> {
        let comment_id = target.id;
        let command = PostCommand::RemoveComment { comment_id };
        self.execute(context, at_any_version(target.post_id), command)
            .await
    }

    /// Deletes a post with its comments and likes: one's own, or as a moderator any.
    #[boxed]
    pub async fn delete_post(
        &self,
        context: CommandContext,
        target: ChangePost,
    ) -> Result<PostAnswer> {
        self.execute(context, target, PostCommand::Delete).await
    }

    async fn execute(
        &self,
        context: CommandContext,
        target: ChangePost,
        command: PostCommand,
    ) -> Result<PostAnswer> {
        authorize(&context.viewer, Action::WritePosts)?;
        let actor = Actor {
            user_id: context.viewer.require_user()?,
            may_moderate: authorize(&context.viewer, Action::ModeratePosts).is_ok(),
        };
        // The aggregate checks it, too; what is wrong need not cost a transaction.
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

    /// The answer; a repeat gets it as it was given first.
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
        Ok(PostAnswer { state, comment })
    }
}

fn at_any_version(id: PostId) -> ChangePost {
    ChangePost {
        id,
        expected_version: None,
    }
}

async fn execute_in_tx(tx: &Tx<'_>, folds: &Folds, order: &Order) -> Result<Done> {
    let (id, past) = (order.target.id, folds.past());
    let before = match &order.command {
        PostCommand::Create { .. } => None,
        _ => {
            lock_in_tx(tx, id).await?;
            folds.read_in_tx(tx, id).await?
        }
    };
    let fact = decide(before.as_deref(), order.actor, &order.command)?;
    let current = before.as_ref().map_or(0, |before| before.version());
    PostError::check_version(STREAM, order.target.expected_version, current)?;
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
            // What the answer shows was written by somebody; who waits for the read model waits for that.
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
            // Never backwards, whatever the clocks of the processes say.
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
    })
}

/// Waits for the other commands on the post to end; SQLite has one writer.
async fn lock_in_tx(tx: &Tx<'_>, id: PostId) -> Result<()> {
    if tx.get_database_backend().is_postgres() {
        // The last bytes of a uuid v7 are random. Posts that share them only wait for each other.
        let key = id.uuid().as_u128() as i32;
        let sql = "select pg_advisory_xact_lock($1, $2)";
        execute(&**tx, sql, vec![LOCKS.into(), key.into()]).await?;
    }
    Ok(())
}
