//! The read models that can be built anew, for administrators: which there are, how far the rebuild of each has come, and
//! asking for one. A worker does it; whoever asked need not stay.

use events::{EventLog, RebuildStatus, read_rebuilds, request_rebuild};
use uuid::Uuid;

use crate::{
    CommandContext, Entities, Missing,
    access::{AccessError, Action, Viewer, authorize},
    boxed, idempotency,
    operations::{OperationError, OperationEventKind, ReadModelData, append_in_tx},
};

const NO_MODEL: Missing = Missing("such read model");

/// A read model, and its rebuild that is at work, or the last one.
#[derive(Debug, Clone)]
pub struct ReadModelStatus {
    /// Its name, which is the one of the follower that keeps it.
    pub name: &'static str,
    /// Nothing when it was never rebuilt.
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

    /// All that there are.
    ///
    /// # Errors
    /// When the viewer may not, and when the database cannot be read.
    #[boxed]
    pub async fn list_read_models(
        &self,
        viewer: &Viewer,
    ) -> Result<Vec<ReadModelStatus>, AccessError> {
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

    /// Asks for a rebuild. One that is at work, or was left, is what was asked for; when it was asked for already, nothing is
    /// told.
    ///
    /// # Errors
    /// `NotFound` when there is no such read model.
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
