//! The events of operations. Each operation is a stream of its own, except those on a user's sockets: their stream has the
//! user's id, so that gateways see from the event alone whose sockets to close. The shapes of the data are contracts.

use ::events::{StreamKey, Tx, now};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::LetterId;
use crate::{
    CommandContext,
    access::UserId,
    event_kinds::{EventContract, EventKind, event_kinds, new_event},
};

/// The kind of stream that operations are.
pub const STREAM: &str = "operations";

/// Returns the version of the schema of an event's data.
fn schema_version(kind: OperationEventKind) -> i16 {
    use OperationEventKind as Kind;
    match kind {
        // Since the second, letters are meant by conditions.
        Kind::ReplayStarted | Kind::Replayed | Kind::DiscardStarted | Kind::Discarded => 2,
        _ => 1,
    }
}

event_kinds! {
    prefix "";

    /// The kinds of operations.
    pub(crate) enum OperationEventKind {
        /// A follower or a handler was paused.
        WorkerPaused,
        /// A follower or a handler was resumed.
        WorkerResumed,
        /// A replay of dead letters has begun; the next event has the result, unless the replay was interrupted.
        ReplayStarted = "DeadLetterReplayStarted",
        /// Dead letters were replayed.
        Replayed = "DeadLettersReplayed",
        /// A discard of dead letters has begun.
        DiscardStarted = "DeadLetterDiscardStarted",
        /// Dead letters were discarded.
        Discarded = "DeadLettersDiscarded",
        /// All sockets of a user were closed.
        UserSocketsClosed,
        /// The rebuild of a read model was requested.
        RebuildRequested,
        /// A new epoch has begun: older cursors are refused.
        EpochBegun,
    }
}

/// The data of `WorkerPaused` and `WorkerResumed`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkerData {
    /// The follower or the handler.
    pub name: String,
}

/// The data of `RebuildRequested`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadModelData {
    /// The read model.
    pub name: String,
}

/// The data of the events about dead letters.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LettersData {
    /// The letter that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter_id: Option<LetterId>,
    /// The follower or the handler whose letters were meant. Without a letter, and without the conditions here, all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// The fingerprint of the failures that were meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The stream whose letters were meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<String>,
    /// Letters that were replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed: Option<u64>,
    /// Letters that were given up for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<u64>,
    /// Letters that are still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
}

/// The data of `UserSocketsClosed`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserSocketsClosed {
    /// Whose sockets.
    pub user_id: UserId,
    /// How many sessions were ended with them; none unless that was asked for.
    pub ended_sessions: u32,
}

/// The data of `EpochBegun`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EpochBegun {
    /// The epoch that is over, as cursors have it.
    pub over: String,
    /// The one that begins.
    pub epoch: String,
    /// Why, as who did it says.
    pub reason: String,
}

/// Appends an operation's event after `expected` others of its stream.
pub(crate) async fn append_in_tx<D: Serialize>(
    tx: &Tx<'_>,
    context: &CommandContext,
    kind: OperationEventKind,
    stream_id: Uuid,
    expected: i64,
    data: &D,
) -> Result<(), ::events::Error> {
    let stream = StreamKey {
        kind: STREAM,
        id: stream_id,
    };
    let event = new_event(kind, schema_version(kind), data, now());
    tx.append(stream, expected, event, &context.meta()).await
}

/// Returns the contracts of these events.
pub(crate) fn event_contracts() -> Vec<EventContract> {
    use OperationEventKind as Kind;
    let worker = schema_for!(WorkerData).to_value();
    let letters = schema_for!(LettersData).to_value();
    let sockets = schema_for!(UserSocketsClosed).to_value();
    let rebuild = schema_for!(ReadModelData).to_value();
    let epoch = schema_for!(EpochBegun).to_value();
    let schema = |kind| match kind {
        Kind::WorkerPaused | Kind::WorkerResumed => &worker,
        Kind::ReplayStarted | Kind::Replayed | Kind::DiscardStarted | Kind::Discarded => &letters,
        Kind::UserSocketsClosed => &sockets,
        Kind::RebuildRequested => &rebuild,
        Kind::EpochBegun => &epoch,
    };
    let contract =
        |kind: &Kind| kind.contract(STREAM, schema_version(*kind), schema(*kind).clone());
    Kind::ALL.iter().map(contract).collect()
}
