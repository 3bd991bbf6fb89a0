//! The mutation of signals.

use async_graphql::{Context, Object};

use super::{inputs::SubmitSignalInput, object::Signal};
use crate::{
    payloads::{Reply, payloads},
    request::{command_context, entities},
};

payloads! {
    "submitSignal" => SubmitSignalPayload { signal: Signal = "The new signal, which is PENDING." }
}

#[derive(Default)]
pub(crate) struct SignalsMutation;

#[Object]
impl SignalsMutation {
    /// Submits a signal, and returns at once. Subscribe to `signalProgress` after `extensions.cursor` of the response, or of
    /// an earlier one, to follow its processing.
    async fn submit_signal(
        &self,
        ctx: &Context<'_>,
        input: SubmitSignalInput,
    ) -> Reply<SubmitSignalPayload> {
        let (context, signals) = (command_context(ctx)?, &entities(ctx).signals);
        let signal = signals.submit_signal(context, input.into()).await?.into();
        Ok(Some(SubmitSignalPayload { signal }))
    }
}
