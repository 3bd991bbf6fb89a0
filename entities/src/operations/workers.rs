//! The workers, for administrators: how they stand, and holding one of them. A pause is a row and its event, in one
//! transaction; workers look for such rows at least once a second, finish what they are at, and take nothing more.

use std::sync::Arc;

use ::events::{DELIVERIES_FOLLOWER, LogHealth, Versioned, WorkersStatus, pause, resume};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    OperationError, Operations,
    events::{OperationEventKind, WorkerData, append_in_tx},
};
use crate::{
    CommandContext, Missing,
    access::{AccessError, Action, Viewer, authorize},
    boxed, idempotency,
};

/// The names of followers and handlers.
#[derive(Debug, Clone, Default)]
pub struct WorkerNames {
    /// Of followers.
    pub followers: Vec<&'static str>,
    /// Of handlers.
    pub handlers: Vec<&'static str>,
}

/// What is remembered of a pause or a resume for who repeats it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct IsChanged(bool);

impl Operations {
    /// Those that the workers run.
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

    /// How the workers stand.
    ///
    /// # Errors
    /// When the viewer may not, and when the database cannot be read.
    #[boxed]
    pub async fn read_status(&self, viewer: &Viewer) -> Result<WorkersStatus, AccessError> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.status().await?)
    }

    async fn status(&self) -> Result<WorkersStatus, ::events::Error> {
        let names = self.worker_names();
        let reader = &self.log.database().reader;
        WorkersStatus::read(reader, &names.followers, &names.handlers).await
    }

    /// How the workers stand now, and whenever it changes, at most once a second.
    ///
    /// # Errors
    /// As of `read_status`.
    #[boxed]
    pub async fn watch_status(
        &self,
        viewer: &Viewer,
    ) -> Result<watch::Receiver<Arc<Versioned<Arc<WorkersStatus>>>>, AccessError> {
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

    /// What the process that is asked can reach.
    ///
    /// # Errors
    /// When the viewer may not.
    #[boxed]
    pub async fn read_health(&self, viewer: &Viewer) -> Result<LogHealth, AccessError> {
        authorize(viewer, Action::ReadOperations)?;
        Ok(self.log.health().await)
    }

    /// Holds a follower or a handler. One that is held already stays so, and nothing is told.
    ///
    /// # Errors
    /// `NotFound` when there is none of this name.
    #[boxed]
    pub async fn pause_worker(
        &self,
        context: CommandContext,
        name: &str,
    ) -> Result<(), OperationError> {
        self.hold(context, name, OperationEventKind::WorkerPaused)
            .await
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// `NotFound` when there is none of this name.
    #[boxed]
    pub async fn resume_worker(
        &self,
        context: CommandContext,
        name: &str,
    ) -> Result<(), OperationError> {
        self.hold(context, name, OperationEventKind::WorkerResumed)
            .await
    }

    async fn hold(
        &self,
        context: CommandContext,
        name: &str,
        kind: OperationEventKind,
    ) -> Result<(), OperationError> {
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
