//! The facts about students. Each carries the whole student after it, so that readers need no other source. That a student
//! was put into the shared cache is a fact too, but none that changes the student: it has a stream of its own, so that a
//! student's version, which `expectedVersion` is compared with, grows with changes only.

use ::events::{Event, NewEvent};
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Student;

/// The kind of stream that students are.
pub const STREAM: &str = "student";
/// The kind of stream, under a student's id, of what happens to it in the cache.
pub const CACHE_STREAM: &str = "student_cache";

const SCHEMA_VERSION: i16 = 1;

/// What can happen to a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StudentEventKind {
    /// It came to be.
    Created,
    /// Some of its fields changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// It was put into the cache that all processes share.
    Cached,
}

impl StudentEventKind {
    const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Deleted, Self::Cached];

    /// The name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "StudentCreated",
            Self::Updated => "StudentUpdated",
            Self::Deleted => "StudentDeleted",
            Self::Cached => "StudentCached",
        }
    }

    /// The kind of stream that it happens in.
    pub fn stream(self) -> &'static str {
        match self {
            Self::Created | Self::Updated | Self::Deleted => STREAM,
            Self::Cached => CACHE_STREAM,
        }
    }
}

/// The data of every student event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StudentData {
    /// The student after the event; when it was cached, the student as it was.
    pub student: Student,
}

/// A student event, read from the log.
#[derive(Debug, Clone)]
pub struct StudentEvent {
    /// What happened.
    pub kind: StudentEventKind,
    /// The student after it.
    pub student: Student,
}

impl StudentEvent {
    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// When it is none of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let malformed = |source| ::events::Error::Malformed {
            what: "student event",
            source,
        };
        let kind = StudentEventKind::ALL
            .into_iter()
            .find(|kind| kind.name() == event.event_type)
            .ok_or_else(|| malformed(serde::de::Error::custom(&event.event_type)))?;
        let data: StudentData = serde_json::from_str(event.data.get()).map_err(malformed)?;
        Ok(Self {
            kind,
            student: data.student,
        })
    }
}

pub(super) fn new_event(
    kind: StudentEventKind,
    data: &StudentData,
    occurred_at: DateTime<Utc>,
) -> NewEvent<'_, StudentData> {
    NewEvent {
        event_type: kind.name(),
        schema_version: SCHEMA_VERSION,
        data,
        occurred_at,
    }
}

/// The contract: the JSON Schema of the data of each event type, by name and version.
pub fn event_schemas() -> serde_json::Map<String, Value> {
    let schema = schema_for!(StudentData).to_value();
    StudentEventKind::ALL
        .into_iter()
        .map(|kind| (format!("{}.v{SCHEMA_VERSION}", kind.name()), schema.clone()))
        .collect()
}
