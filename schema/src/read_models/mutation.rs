//! The mutation of read models.

use async_graphql::{Context, Object};

use super::object::ReadModel;
use crate::{
    payloads::{Reply, inputs, payloads},
    request::{command_context, entities},
};

inputs! {
    /// A read model to rebuild.
    RebuildReadModelInput { name: String = "The name, such as `posts`." }
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
    ) -> Reply<RebuildReadModelPayload> {
        let read_models = &entities(ctx).read_models;
        let context = command_context(ctx)?;
        let read_model = read_models
            .request_rebuild(context, &input.name)
            .await?
            .into();
        Ok(Some(RebuildReadModelPayload { read_model }))
    }
}
