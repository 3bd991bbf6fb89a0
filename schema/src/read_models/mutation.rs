//! The mutation of read models.

use async_graphql::{Context, InputObject, Object};

use super::object::ReadModel;
use crate::{
    error::Result,
    payloads::payloads,
    request::{command_context, entities},
};

/// A read model to rebuild.
#[derive(InputObject)]
pub(crate) struct RebuildReadModelInput {
    /// The name, such as `posts`.
    name: String,
}

payloads! {
    "rebuildReadModel" => RebuildReadModelPayload { read_model: ReadModel = "The read model, with the requested rebuild." }
}

#[derive(Default)]
pub(crate) struct ReadModelsMutation;

#[Object]
impl ReadModelsMutation {
    /// Requests the rebuild of a read model from the log. The live model is read meanwhile, and replaced at the end. A rebuild
    /// in progress continues. Requires the role ADMIN.
    async fn rebuild_read_model(
        &self,
        ctx: &Context<'_>,
        input: RebuildReadModelInput,
    ) -> Result<Option<RebuildReadModelPayload>> {
        let read_models = &entities(ctx).read_models;
        let context = command_context(ctx)?;
        let requested = read_models.request_rebuild(context, &input.name).await;
        Ok(Some(RebuildReadModelPayload {
            read_model: requested?.into(),
        }))
    }
}
