//! The workers, for administrators: their status, and pausing a follower or handler. A pause is a row and its event, in one
//! transaction; workers look for such rows at least once a second, finish their current work, and take no more.

use std::sync::Arc;

use ::events::{DELIVERIES_FOLLOWER, LogHealth, Versioned, WorkersStatus, pause, resume};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    Done, OperationError, Operations,
    events::{OperationEventKind, WorkerData, append_in_tx},
};
use crate::{
    CommandContext, Missing,
    access::{AccessError, Action, Viewer, authorize},
    boxed, idempotency,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

/// The names of followers and handlers.
#[derive(Debug, Clone, Default)]
pub struct WorkerNames {
    /// The names of followers.
    pub followers: Vec<&'static str>,
    /// The names of handlers.
    pub handlers: Vec<&'static str>,
}

/// The stored result of a pause or a resume, for repeats.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct IsChanged(bool);

impl Operations {
    /// Returns the names of the followers and handlers that the workers run.
    pub fn worker_names(&self) -> WorkerNames {
        let handlers: Vec<_> = self.handlers.iter().map(|handler| handler.name).collect();
        let mut followers: Vec<_> = self.followers.iter().map(|it| it.name()).collect();
        if !handlers.is_empty() {
            followers.push(DELIVERIES_FOLLOWER);
        }
        followers.sort_unstable();
        WorkerNames {
            followers,
            handlers,
        }
    }

    /// Returns the status of the workers.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be read.
    #[boxed]
    pub async fn read_status(&self, viewer: &Viewer) -> Result<WorkersStatus> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.status().await?)
    }

    async fn status(&self) -> Result<WorkersStatus, ::events::Error> {
        let names = self.worker_names();
        let reader = &self.log.database().reader;
        WorkersStatus::read(reader, &names.followers, &names.handlers).await
    }

    /// Returns the status of the workers now, and each change, at most once a second.
    ///
    /// # Errors
    /// Fails as `read_status` does.
    #[boxed]
    pub async fn watch_status(
        &self,
        viewer: &Viewer,
    ) -> Result<watch::Receiver<Arc<Versioned<Arc<WorkersStatus>>>>> {
        authorize(viewer, Action::ReadOperations)?;
        let operations = self.clone();
        let read = move || {
            let operations = operations.clone();
            async move {
                let position = operations.log.tail().position();
                let status = operations.status().await?;
                Ok(Versioned::new(Arc::new(status), position))
            }
        };
        Ok(self.monitor.watch(read).await?)
    }

    /// Returns which dependencies this process can reach.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to.
    #[boxed]
    pub async fn read_health(&self, viewer: &Viewer) -> Result<LogHealth> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.log.health().await)
    }

    /// Pauses a follower or a handler. If it is paused already, no event is appended.
    ///
    /// # Errors
    /// `NotFound` when there is none of this name.
    #[boxed]
    pub async fn pause_worker(&self, context: CommandContext, name: &str) -> Done<()> {
        self.hold(context, name, OperationEventKind::WorkerPaused)
            .await
    }

    /// Resumes a follower or a handler.
    ///
    /// # Errors
    /// `NotFound` when there is none of this name.
    #[boxed]
    pub async fn resume_worker(&self, context: CommandContext, name: &str) -> Done<()> {
        self.hold(context, name, OperationEventKind::WorkerResumed)
            .await
    }

    async fn hold(
        &self,
        context: CommandContext,
        name: &str,
        kind: OperationEventKind,
    ) -> Done<()> {
        authorize(&context.viewer, Action::OperateWorkers)?;
        let WorkerNames {
            followers,
            handlers,
        } = self.worker_names();
        let mut known = followers.into_iter().chain(handlers);
        let name = known
            .find(|known| *known == name)
            .ok_or(Missing("follower and no handler of this name"))?;
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move {
                    let work = async {
                        let is_changed = match kind {
                            OperationEventKind::WorkerPaused => {
                                pause(&**tx, name, &context.viewer.actor()).await?
                            }
                            _ => resume(&**tx, name).await?,
                        };
                        if is_changed {
                            let data = WorkerData {
                                name: name.to_owned(),
                            };
                            append_in_tx(tx, &context, kind, Uuid::now_v7(), 0, &data).await?;
                        }
                        Ok::<_, OperationError>(IsChanged(is_changed))
                    };
                    idempotency::once(tx, &context, work).await
                })
            })
            .await?;
        Ok(())
    }
}
