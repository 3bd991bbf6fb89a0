//! The read models that can be built anew, for administrators: which there are, how far the rebuild of each has come, and
//! asking for one. A worker does it; whoever asked need not stay.

use events::{EventLog, RebuildStatus, read_rebuilds, request_rebuild};

use crate::{
    Entities,
    access::{AccessError, Action, Viewer, authorize},
};

/// A read model, and its rebuild that is at work, or the last one.
#[derive(Debug, Clone)]
pub struct ReadModelStatus {
    /// Its name, which is the one of the follower that keeps it.
    pub name: &'static str,
    /// Nothing when it was never rebuilt.
    pub rebuild: Option<RebuildStatus>,
}

/// Why a read model is not going to be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum ReadModelError {
    /// There is none of that name.
    #[error("there is no such read model")]
    NotFound,
    /// See there.
    #[error(transparent)]
    Access(#[from] AccessError),
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

    /// Asks for a rebuild. One that is at work, or was left, is what was asked for.
    ///
    /// # Errors
    /// `NotFound` when there is no such read model.
    pub async fn request_rebuild(
        &self,
        viewer: &Viewer,
        name: &str,
    ) -> Result<ReadModelStatus, ReadModelError> {
        authorize(viewer, Action::OperateReadModels)?;
        let known: Vec<&'static str> = Entities::read_models().iter().map(|it| it.name()).collect();
        let name = known.into_iter().find(|known| *known == name);
        let name = name.ok_or(ReadModelError::NotFound)?;
        let database = self.log.database().clone();
        let request = tokio::spawn(async move { request_rebuild(&database, name).await });
        let requested = request.await;
        requested
            .map_err(|error| events::Error::Task(error.to_string()))
            .and_then(|requested| requested)
            .map_err(AccessError::from)?;
        let models = self.list_read_models(viewer).await?;
        let status = models.into_iter().find(|model| model.name == name);
        status.ok_or(ReadModelError::NotFound)
    }
}
