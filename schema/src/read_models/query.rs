//! The query of read models.

use async_graphql::{Context, Object};

use super::object::ReadModel;
use crate::{
    error::Result,
    list::List,
    request::{entities, viewer},
};

#[derive(Default)]
pub(crate) struct ReadModelsQuery;

#[Object]
impl ReadModelsQuery {
    /// The read models that can be rebuilt. Requires the role ADMIN.
    async fn read_models(&self, ctx: &Context<'_>) -> Result<Option<List<ReadModel>>> {
        let read_models = &entities(ctx).read_models;
        let models = read_models.list_read_models(viewer(ctx)?).await?;
        Ok(Some(models.into_iter().map(ReadModel::from).collect()))
    }
}
