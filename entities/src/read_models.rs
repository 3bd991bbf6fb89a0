//! The read models and their rebuilds, for administrators: list them with the progress of each rebuild, and request one. A
//! worker does the rebuild, so the request does not wait for it.

use events::{EventLog, RebuildStatus, read_rebuilds, request_rebuild};
use uuid::Uuid;

use crate::{
    CommandContext, Entities, Missing,
    access::{AccessError, Action, Viewer, authorize},
    boxed, idempotency,
    operations::{OperationError, OperationEventKind, ReadModelData, append_in_tx},
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

const NO_MODEL: Missing = Missing("such read model");

/// A read model with its current or last rebuild.
#[derive(Debug, Clone)]
pub struct ReadModelStatus {
    /// The name of the read model and of its follower.
    pub name: &'static str,
    /// `None` if it was never rebuilt.
    pub rebuild: Option<RebuildStatus>,
}

/// The commands and queries of read models.
#[derive(Clone)]
pub struct ReadModels {
    log: EventLog,
}

impl ReadModels {
    pub(crate) fn new(log: EventLog) -> Self {
        Self { log }
    }

    /// Returns all read models.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the database cannot be read.
    #[boxed]
    pub async fn list_read_models(&self, viewer: &Viewer) -> Result<Vec<ReadModelStatus>> {
        authorize(viewer, Action::OperateReadModels)?;
        let rebuilds = read_rebuilds(self.log.database()).await?;
        let models = Entities::read_models().into_iter().map(|model| {
            let name = model.name();
            let rebuild = rebuilds.iter().find(|rebuild| rebuild.model == name);
            ReadModelStatus {
                name,
                rebuild: rebuild.cloned(),
            }
        });
        Ok(models.collect())
    }

    /// Requests a rebuild. If one is under way, or was interrupted, the request is for that one; if it was already requested,
    /// no event is appended.
    ///
    /// # Errors
    /// `NotFound` when the read model does not exist.
    #[boxed]
    pub async fn request_rebuild(
        &self,
        context: CommandContext,
        name: &str,
    ) -> Result<ReadModelStatus, OperationError> {
        authorize(&context.viewer, Action::OperateReadModels)?;
        let known: Vec<&'static str> = Entities::read_models().iter().map(|it| it.name()).collect();
        let name = known.into_iter().find(|known| *known == name);
        let name = name.ok_or(NO_MODEL)?;
        let viewer = context.viewer.clone();
        self.log
            .write(move |tx| {
                let context = context.clone();
                Box::pin(async move {
                    let work = async {
                        if request_rebuild(&**tx, name).await? {
                            let kind = OperationEventKind::RebuildRequested;
                            let data = ReadModelData {
                                name: name.to_owned(),
                            };
                            append_in_tx(tx, &context, kind, Uuid::now_v7(), 0, &data).await?;
                        }
                        Ok::<_, OperationError>(())
                    };
                    idempotency::once(tx, &context, work).await
                })
            })
            .await?;
        let models = self.list_read_models(&viewer).await?;
        let status = models.into_iter().find(|model| model.name == name);
        Ok(status.ok_or(NO_MODEL)?)
    }
}
