//! The mutation of read models.

use async_graphql::{Context, InputObject, Object, Result};

use super::object::ReadModel;
use crate::{
    error::from_read_models,
    payloads::payloads,
    request::{command_context, entities},
};

/// A read model to rebuild.
#[derive(InputObject)]
pub(crate) struct RebuildReadModelInput {
    /// Its name, such as `posts`.
    name: String,
}

payloads! {
    "rebuildReadModel" => RebuildReadModelPayload { read_model: ReadModel = "The read model, with the rebuild that was asked for." }
}

#[derive(Default)]
pub(crate) struct ReadModelsMutation;

#[Object]
impl ReadModelsMutation {
    /// Has a worker build a read model anew from the log, while the live one is read, and put it in its place. A rebuild that is
    /// at work goes on. Needs the role ADMIN.
    async fn rebuild_read_model(
        &self,
        ctx: &Context<'_>,
        input: RebuildReadModelInput,
    ) -> Result<Option<RebuildReadModelPayload>> {
        let read_models = &entities(ctx).read_models;
        let context = command_context(ctx)?;
        let requested = read_models.request_rebuild(context, &input.name).await;
        Ok(Some(RebuildReadModelPayload {
            read_model: requested.map_err(from_read_models)?.into(),
        }))
    }
}
