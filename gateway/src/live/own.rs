//! A subscriber's own reading of the log, executed for it alone in a task of its own. A subscriber is polled only while its client has
//! room, and not while its rights are checked; while it is not polled it must hold nothing that others wait for, such as a connection to
//! the database. The task proceeds on its own to the next answer and then waits, holding nothing, until that is taken. So at most one
//! answer of each subscriber is in memory.

use std::sync::Arc;

use async_graphql::ServerError;
use events::Range;
use futures::{
    FutureExt, StreamExt,
    future::{AbortHandle, abortable},
};
use tokio::sync::mpsc;

use super::ground::{Answer, Answers, Ground, Subscription};
use crate::errors::{Code, typed};

/// A subscriber's own execution. Dropping it ends the execution.
pub(super) struct Own {
    /// The answers, then `None`.
    answers: mpsc::Receiver<Option<Answer>>,
    task: AbortHandle,
}

impl Own {
    pub(super) fn start<G: Ground>(ground: &Arc<G>, request: &G::Request, range: Range) -> Self {
        let (sender, answers) = mpsc::channel(1);
        let (work, task) = abortable(run(request.own_answers(ground, range), sender));
        ground.spawn_past(work.map(drop));
        Self { answers, task }
    }

    /// Returns the next answer; `None` once, when the whole range is answered. May be cancelled.
    ///
    /// # Errors
    /// When the execution broke off.
    pub(super) async fn next(&mut self) -> Result<Option<Answer>, ServerError> {
        let answer = self.answers.recv().await;
        answer.ok_or_else(broken_off)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(mut executed: Answers, answers: mpsc::Sender<Option<Answer>>) {
    // Room is reserved first: nothing is executed for a subscriber that does not take it.
    while let Ok(room) = answers.reserve().await {
        let answer = executed.next().await;
        let is_end = answer.is_none();
        room.send(answer);
        if is_end {
            return;
        }
    }
}

/// Reports an execution that ended before it was complete. Its subscriber may resume where it is.
pub(super) fn broken_off() -> ServerError {
    tracing::error!("the execution of a subscription broke off");
    typed(Code::Internal, "The subscription broke off; resume it")
}
