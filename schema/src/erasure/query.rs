//! The queries of erasures.

use async_graphql::{Context, ID, Object};

use super::object::Erasure;
use crate::{
    error::Result,
    id,
    list::List,
    request::{entities, viewer},
};

#[derive(Default)]
pub(crate) struct ErasureQuery;

#[Object]
impl ErasureQuery {
    /// Looks up the erasure of the personal data of a user. Null when none was requested. Requires the role ADMIN.
    async fn erasure(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The user's global id.")] user_id: ID,
    ) -> Result<Option<Erasure>> {
        let id = id::sought(&user_id);
        let found = entities(ctx).erasures.find_erasure(viewer(ctx)?, id).await;
        Ok(found?.map(Erasure::from))
    }

    /// The erasures in progress, and the last 100 that were completed. Requires the role ADMIN.
    async fn erasures(&self, ctx: &Context<'_>) -> Result<Option<List<Erasure>>> {
        let erasures = entities(ctx).erasures.list_erasures(viewer(ctx)?).await;
        Ok(Some(erasures?.into_iter().map(Erasure::from).collect()))
    }
}
