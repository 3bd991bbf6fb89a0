//! The mutation of erasures.

use async_graphql::{Context, ID, Object};

use super::object::Erasure;
use crate::{
    id,
    payloads::{Reply, inputs, payloads},
    request::{command_context, entities},
};

inputs! {
    /// The user whose personal data to erase.
    EraseUserInput { id: ID = "The user's global id. They must be deactivated." }
}

payloads! {
    "eraseUser" => EraseUserPayload { erasure: Erasure = "The erasure and its progress." }
}

#[derive(Default)]
pub(crate) struct ErasureMutation;

#[Object]
impl ErasureMutation {
    /// Permanently erases the personal data of a deactivated user: name, address and bio at once; what they wrote, in
    /// tables, the log, caches, streams and the archive, in the background. The user remains without a name, as the data of
    /// others refers to them. Repeated when it has ended, it erases anew. Requires the role ADMIN. CONFLICT when the user is not deactivated.
    async fn erase_user(
        &self,
        ctx: &Context<'_>,
        input: EraseUserInput,
    ) -> Reply<EraseUserPayload> {
        let id = id::decode("id", &input.id)?;
        let erasures = &entities(ctx).erasures;
        let erasure = erasures.erase_user(command_context(ctx)?, id).await?.into();
        Ok(Some(EraseUserPayload { erasure }))
    }
}
