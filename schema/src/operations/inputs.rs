//! The inputs of operations, and their conversion to those of `entities`. Texts are checked only for their length: they are
//! compared, not stored.

use async_graphql::{ID, InputObject};
use chrono::{DateTime, Utc};
use entities::{Violations, operations::LetterId};
use events::{LetterFilter, LogFilter, Which};
use uuid::Uuid;

use crate::{
    connection::check_time,
    error::{Result, invalid},
    id,
    payloads::inputs,
};

/// The greatest length of a text to filter by, in characters.
const MOST_CHARACTERS: usize = 200;
/// The most types in one filter.
const MOST_TYPES: usize = 50;
/// The most dead letters that one mutation looks at; also in the descriptions.
const MOST_LETTERS: u64 = 10_000;

/// Filters the event log. All conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct EventLogFilter {
    /// Matches events of this kind of stream, such as `post`.
    stream: Option<String>,
    /// Matches events of this stream, such as `post_01h455vb4pex5vsknk084sn02q`.
    stream_id: Option<ID>,
    /// Matches events of any of these types, such as `PostLiked`; at most 50.
    types: Option<Vec<String>>,
    /// Matches events caused by this actor: the id of a user, or the name of a process.
    actor: Option<String>,
    /// Matches events that happened at this time or later, by the clock of the process that recorded them.
    from: Option<DateTime<Utc>>,
    /// Matches events that happened before this time.
    before: Option<DateTime<Utc>>,
}

impl EventLogFilter {
    pub(super) fn into_filter(self) -> Result<LogFilter> {
        let stream = stream_filter(self.stream, self.stream_id.as_ref())?;
        Ok(LogFilter {
            stream: stream.kind,
            stream_id: stream.id,
            types: checked_types(self.types)?,
            actor: self.actor.map(|it| checked_text("actor", it)).transpose()?,
            from: check_time("from", self.from)?,
            before: check_time("before", self.before)?,
        })
    }
}

/// Filters a list of dead letters. All conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct DeadLetterFilter {
    /// Matches letters of this follower or handler.
    consumer: Option<String>,
    /// Matches failures with this fingerprint.
    fingerprint: Option<String>,
    /// Matches letters of this stream, such as `post_01h455vb4pex5vsknk084sn02q`.
    stream_id: Option<ID>,
}

impl DeadLetterFilter {
    pub(super) fn into_filter(self) -> Result<LetterFilter> {
        let checked = |field: &str, text: Option<String>| {
            text.map(|text| checked_text(field, text)).transpose()
        };
        let stream = stream_filter(None, self.stream_id.as_ref())?;
        Ok(LetterFilter {
            consumer: checked("consumer", self.consumer)?,
            fingerprint: checked("fingerprint", self.fingerprint)?,
            stream: stream.kind.zip(stream.id),
        })
    }
}

/// Selects streams.
#[derive(Default)]
pub(super) struct StreamFilter {
    pub(super) kind: Option<String>,
    pub(super) id: Option<Uuid>,
}

impl StreamFilter {
    pub(super) fn matches(&self, event: &events::Event) -> bool {
        self.kind.as_ref().is_none_or(|kind| *kind == event.stream)
            && self.id.is_none_or(|id| id == event.stream_id)
    }
}

/// Returns the filter by stream. An id also names its kind.
pub(super) fn stream_filter(kind: Option<String>, stream_id: Option<&ID>) -> Result<StreamFilter> {
    let kind = kind.map(|kind| checked_text("stream", kind)).transpose()?;
    let Some(stream_id) = stream_id else {
        return Ok(StreamFilter { kind, id: None });
    };
    let message = "must be the id of a stream, such as post_01h455vb4pex5vsknk084sn02q";
    let (of_id, uuid) = entities::id::decode(stream_id)
        .ok_or_else(|| invalid(Violations::one("streamId", "id", message)))?;
    if kind.is_some_and(|kind| kind != of_id) {
        let message = "must be the id of a stream of the kind that is given as stream";
        return Err(invalid(Violations::one("streamId", "kind", message)));
    }
    Ok(StreamFilter {
        kind: Some(of_id),
        id: Some(uuid),
    })
}

pub(super) fn checked_types(types: Option<Vec<String>>) -> Result<Option<Vec<String>>> {
    let Some(types) = types else {
        return Ok(None);
    };
    if types.len() > MOST_TYPES {
        let message = format!("must be at most {MOST_TYPES}");
        return Err(invalid(Violations::one("types", "length", &message)));
    }
    let types = types.into_iter().map(|it| checked_text("types", it));
    types.collect::<Result<_>>().map(Some)
}

pub(super) fn checked_text(field: &str, text: String) -> Result<String> {
    let length = text.chars().count();
    if (1..=MOST_CHARACTERS).contains(&length) {
        return Ok(text);
    }
    let message = format!("must have 1 to {MOST_CHARACTERS} characters");
    Err(invalid(Violations::one(field, "length", &message)))
}

inputs! {
    /// The dead letters to replay. Give exactly one of the three fields.
    ReplayDeadLettersInput {
        id: Option<ID> = "The global id of a dead letter.",
        filter: Option<DeadLetterFilter> = "Selects the dead letters that match now, the oldest 10,000 of them. It has one condition at least.",
        #[graphql(default)]
        all: bool = "Whether to select all dead letters that exist now, the oldest 10,000 of them.",
    }

    /// The dead letters to discard. Give exactly one of the three fields.
    DiscardDeadLettersInput {
        id: Option<ID> = "The global id of a dead letter.",
        filter: Option<DeadLetterFilter> = "Selects the dead letters that match now, the oldest 10,000 of them. It has one condition at least.",
        #[graphql(default)]
        all: bool = "Whether to select all dead letters that exist now, the oldest 10,000 of them.",
    }
}

/// Returns the dead letters that an input selects by its three fields.
pub(super) fn letters(
    id: Option<ID>,
    filter: Option<DeadLetterFilter>,
    all: bool,
) -> Result<Which> {
    let most = MOST_LETTERS;
    match (id, filter, all) {
        (Some(id), None, false) => {
            let id: LetterId = id::decode("id", &id)?;
            Ok(Which::One(id.uuid()))
        }
        (None, Some(filter), false) => match filter.into_filter()? {
            // A client whose variable is missing does not mean all.
            filter if filter == LetterFilter::default() => {
                let message = "must have a condition; all: true selects all";
                Err(invalid(Violations::one("filter", "required", message)))
            }
            filter => Ok(Which::Matching { filter, most }),
        },
        (None, None, true) => {
            let filter = LetterFilter::default();
            Ok(Which::Matching { filter, most })
        }
        _ => {
            let message = "give exactly one of id, filter and all: true";
            Err(invalid(Violations::one("id", "exclusive", message)))
        }
    }
}

inputs! {
    /// A follower or a handler to pause.
    PauseWorkerInput { name: String = "The name, such as `posts`." }

    /// A follower or a handler to resume.
    ResumeWorkerInput { name: String = "The name, such as `posts`." }

    /// A user to disconnect.
    DisconnectUserInput {
        id: ID = "The global id of the user.",
        #[graphql(default)]
        end_sessions: bool =
            "Whether to end the sessions of the user too, so that they have to sign in again. Otherwise their clients may reconnect at once.",
    }
}
