//! Personal data in events, and whose it is: the domains declare it by type of event, and it is redacted here. A redacted event
//! can be read as before; it only says nothing about the person any more.

use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Error, Event, Result};

/// Whose data the fields of an event are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The user whose id is the stream's.
    Stream,
    /// The actor.
    Actor,
    /// The user whose id is in the event's data, at this JSON pointer.
    Field(&'static str),
}

/// Returns the replacement for a personal value, given the id of its subject.
pub type Replacement = fn(Uuid) -> Value;

/// The personal fields of types of events, in all versions of their schemas.
#[derive(Debug, Clone, Copy)]
pub struct PersonalData {
    /// The kind of stream.
    pub stream: &'static str,
    /// The types of events.
    pub event_types: &'static [&'static str],
    /// Whose data the fields are.
    pub whose: Whose,
    /// JSON pointers into the data, each with the replacement for the value there; a missing value is not replaced.
    pub fields: &'static [(&'static str, Replacement)],
}

/// A user whose personal data is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The user's id.
    pub id: Uuid,
    /// The user's name as an actor in events.
    pub actor: String,
}

/// Redacts the personal data of one subject.
#[derive(Debug, Clone)]
pub(super) struct Redactor {
    subject: Subject,
    rules: &'static [PersonalData],
}

impl Redactor {
    pub(super) fn new(subject: Subject, rules: &'static [PersonalData]) -> Self {
        Self { subject, rules }
    }

    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the event without the subject's personal data; `None` when it has none, or none any more.
    pub(super) fn redact(&self, event: &Event) -> Result<Option<Event>> {
        let malformed = |source| Error::Malformed {
            what: "event data",
            source,
        };
        let is_theirs = event.meta.actor == self.subject.actor;
        let mut meta = event.meta.clone();
        if is_theirs {
            // Names that the client has chosen can be anything.
            meta.idempotency_key = None;
            meta.correlation_id = None;
        }
        let rules = self.rules.iter().filter(|rule| {
            rule.stream == event.stream && rule.event_types.contains(&event.event_type.as_str())
        });
        let mut data: Option<Value> = None;
        let mut is_changed = meta != event.meta;
        for rule in rules {
            let data = match &mut data {
                Some(data) => data,
                none => none.insert(serde_json::from_str(event.data.get()).map_err(malformed)?),
            };
            let is_owner = match rule.whose {
                Whose::Stream => event.stream_id == self.subject.id,
                Whose::Actor => is_theirs,
                Whose::Field(pointer) => self.is_named(data.pointer(pointer)),
            };
            if is_owner {
                is_changed |= self.replace(data, rule);
            }
        }
        if !is_changed {
            return Ok(None);
        }
        let mut redacted = event.clone();
        redacted.meta = meta;
        if let Some(data) = data {
            let text = serde_json::to_string(&data).map_err(malformed)?;
            redacted.data = RawValue::from_string(text).map_err(malformed)?;
        }
        Ok(Some(redacted))
    }

    fn is_named(&self, value: Option<&Value>) -> bool {
        let text = value.and_then(Value::as_str);
        text.and_then(|text| Uuid::try_parse(text).ok()) == Some(self.subject.id)
    }

    fn replace(&self, data: &mut Value, rule: &PersonalData) -> bool {
        let mut is_changed = false;
        for (pointer, instead) in rule.fields {
            let Some(value) = data.pointer_mut(pointer).filter(|value| !value.is_null()) else {
                continue;
            };
            let instead = instead(self.subject.id);
            if *value != instead {
                *value = instead;
                is_changed = true;
            }
        }
        is_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Meta, kit};

    const RULES: &[PersonalData] = &[
        PersonalData {
            stream: "note",
            event_types: &["NoteWritten"],
            whose: Whose::Field("/by/id"),
            fields: &[
                ("/text", |_| "[erased]".into()),
                ("/title", |_| Value::Null),
            ],
        },
        PersonalData {
            stream: "note",
            event_types: &["NoteEdited"],
            whose: Whose::Actor,
            fields: &[("/text", |_| "[erased]".into())],
        },
        PersonalData {
            stream: "person",
            event_types: &["PersonNamed"],
            whose: Whose::Stream,
            fields: &[("/name", |id| format!("erased-{}", id.simple()).into())],
        },
    ];

    fn event(stream: &str, event_type: &str, id: u128, actor: &str, data: Value) -> Event {
        let mut event = kit::event(1, stream, id);
        event.event_type = event_type.to_owned();
        event.data = RawValue::from_string(data.to_string()).expect("JSON");
        event.meta = Meta {
            actor: actor.to_owned(),
            correlation_id: Some("chosen".to_owned()),
            idempotency_key: Some("chosen".to_owned()),
            ..Meta::default()
        };
        event
    }

    fn redactor() -> Redactor {
        let subject = Subject {
            id: Uuid::from_u128(7),
            actor: "user_7".to_owned(),
        };
        Redactor::new(subject, RULES)
    }

    #[test]
    fn what_is_theirs_goes_and_what_is_not_stays() {
        let [one, other] = [Uuid::from_u128(7), Uuid::from_u128(8)];
        let note = |by: Uuid| serde_json::json!({ "by": { "id": by }, "text": "Secret", "title": "T", "n": 1 });
        let redacted = |event: &Event| redactor().redact(event).expect("readable");
        let theirs = event("note", "NoteWritten", 1, "seed", note(one));
        let after = redacted(&theirs).expect("a change");
        let data: Value = serde_json::from_str(after.data.get()).expect("JSON");
        assert_eq!(
            data,
            serde_json::json!({ "by": { "id": one }, "text": "[erased]", "title": null, "n": 1 })
        );
        assert_eq!(after.meta, theirs.meta, "somebody else did it");
        assert!(redacted(&after).is_none(), "again changes nothing");
        let others = event("note", "NoteWritten", 1, "user_8", note(other));
        assert!(redacted(&others).is_none());
        let edited = event(
            "note",
            "NoteEdited",
            1,
            "user_7",
            serde_json::json!({ "text": "Secret" }),
        );
        let after = redacted(&edited).expect("a change");
        assert_eq!(after.data.get(), r#"{"text":"[erased]"}"#);
        assert_eq!(
            (after.meta.correlation_id, after.meta.idempotency_key),
            (None, None)
        );
        let unknown = event(
            "other",
            "Else",
            1,
            "user_7",
            serde_json::json!({ "text": "kept" }),
        );
        let after = redacted(&unknown).expect("the names that the client chose");
        assert_eq!(after.data.get(), unknown.data.get());
        let named = event(
            "person",
            "PersonNamed",
            7,
            "seed",
            serde_json::json!({ "name": "Ada" }),
        );
        let after = redacted(&named).expect("a change");
        assert!(
            after
                .data
                .get()
                .contains(&format!("erased-{}", one.simple()))
        );
    }
}
