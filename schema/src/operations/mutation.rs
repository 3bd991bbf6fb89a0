//! The mutations of operations. Each is recorded with its actor as an event of the stream `operations`.

use async_graphql::{Context, Object};
use entities::users::UserId;

use super::{
    inputs::{
        DiscardDeadLettersInput, DisconnectUserInput, PauseWorkerInput, ReplayDeadLettersInput,
        ResumeWorkerInput, letters,
    },
    workers::{WorkerStatus, load_status},
};
use crate::{
    id,
    payloads::{Reply, payloads},
    request::{command_context, entities},
    users::UserRef,
};

payloads! {
    "pauseWorker" => PauseWorkerPayload { worker_status: WorkerStatus = "The current status of the workers." }
    "resumeWorker" => ResumeWorkerPayload { worker_status: WorkerStatus = "The current status of the workers." }
    "replayDeadLetters" => ReplayDeadLettersPayload {
        replayed: u64 = "The number of letters that were replayed: a follower has applied them, or a handler will handle them again.",
        left: u64 = "The number of letters that remain: a follower failed on them again, or they wait behind one that failed.",
        has_more: bool = "Whether more letters match than the 10,000 that one mutation looks at.",
    }
    "discardDeadLetters" => DiscardDeadLettersPayload {
        discarded: u64 = "The number of letters that were discarded.",
        replayed: u64 = "The number of letters that had waited behind those, and were applied.",
        left: u64 = "The number of letters that had waited behind those and remain, as one of them failed.",
        has_more: bool = "Whether more letters match than the 10,000 that one mutation looks at.",
    }
    "disconnectUser" => DisconnectUserPayload {
        user: UserRef = "The user who was disconnected.",
        ended_sessions: u32 = "The number of sessions that were ended; 0 unless `endSessions` was true.",
    }
}

#[derive(Default)]
pub(crate) struct OperationsMutation;

#[Object]
impl OperationsMutation {
    /// Pauses a follower or a handler in all processes, within a second. Work in progress is finished; events that arrive
    /// meanwhile wait, and none is lost. Requires the role ADMIN.
    async fn pause_worker(
        &self,
        ctx: &Context<'_>,
        input: PauseWorkerInput,
    ) -> Reply<PauseWorkerPayload> {
        let (context, operations) = (command_context(ctx)?, &entities(ctx).operations);
        operations.pause_worker(context, &input.name).await?;
        Ok(Some(PauseWorkerPayload {
            worker_status: load_status(ctx).await?,
        }))
    }

    /// Resumes a follower or a handler where it stopped. Requires the role ADMIN.
    async fn resume_worker(
        &self,
        ctx: &Context<'_>,
        input: ResumeWorkerInput,
    ) -> Reply<ResumeWorkerPayload> {
        let (context, operations) = (command_context(ctx)?, &entities(ctx).operations);
        operations.resume_worker(context, &input.name).await?;
        Ok(Some(ResumeWorkerPayload {
            worker_status: load_status(ctx).await?,
        }))
    }

    /// Retries dead letters: one, those that match a filter, or all. A follower applies the letters of a stream in
    /// order, each exactly once, with those that wait behind them. Requires the role ADMIN.
    async fn replay_dead_letters(
        &self,
        ctx: &Context<'_>,
        input: ReplayDeadLettersInput,
    ) -> Reply<ReplayDeadLettersPayload> {
        let which = letters(input.id, input.filter, input.all)?;
        let (context, operations) = (command_context(ctx)?, &entities(ctx).operations);
        let replayed = operations.replay_letters(context, which).await?;
        Ok(Some(ReplayDeadLettersPayload {
            replayed: replayed.replayed,
            left: replayed.left,
            has_more: replayed.has_more,
        }))
    }

    /// Discards dead letters for good: one, those that match a filter, or all. Their events stay in the log, but are
    /// never applied or handled; events that wait behind them in their streams are applied. Requires the role ADMIN.
    async fn discard_dead_letters(
        &self,
        ctx: &Context<'_>,
        input: DiscardDeadLettersInput,
    ) -> Reply<DiscardDeadLettersPayload> {
        let which = letters(input.id, input.filter, input.all)?;
        let (context, operations) = (command_context(ctx)?, &entities(ctx).operations);
        let discarded = operations.discard_letters(context, which).await?;
        Ok(Some(DiscardDeadLettersPayload {
            discarded: discarded.discarded,
            replayed: discarded.replayed,
            left: discarded.left,
            has_more: discarded.has_more,
        }))
    }

    /// Closes all sockets and event streams of a user, on all gateways, with the close code 4410. Their sessions continue
    /// unless `endSessions` is true, so their clients may reconnect. Requires the role ADMIN.
    async fn disconnect_user(
        &self,
        ctx: &Context<'_>,
        input: DisconnectUserInput,
    ) -> Reply<DisconnectUserPayload> {
        let id: UserId = id::decode("id", &input.id)?;
        let (context, users) = (command_context(ctx)?, &entities(ctx).users);
        let disconnected = users.disconnect(context, id, input.end_sessions).await?;
        Ok(Some(DisconnectUserPayload {
            user: id.into(),
            ended_sessions: disconnected.ended_sessions,
        }))
    }
}
