//! What is personal in events, and whose: the domains declare it by type of event, and here it is taken out. An event that
//! was redacted can be read as before; it only says nothing about the person any more.

use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{Error, Event, Result};

/// Whose the fields of an event are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The one whose id the stream has.
    Stream,
    /// The one who did it.
    Actor,
    /// The one whose id is in the event's data, at this JSON pointer.
    Field(&'static str),
}

/// What takes the place of a personal value, for the id of whose it was.
pub type Replacement = fn(Uuid) -> Value;

/// Personal fields of a type of event, in all versions of its shape.
#[derive(Debug, Clone, Copy)]
pub struct PersonalData {
    /// The kind of stream.
    pub stream: &'static str,
    /// The types of events.
    pub event_types: &'static [&'static str],
    /// Whose they are.
    pub whose: Whose,
    /// JSON pointers into the data, and what takes the place of the value that is there; of none if there is none.
    pub fields: &'static [(&'static str, Replacement)],
}

/// Somebody whose personal data is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Their id.
    pub id: Uuid,
    /// What events name them by, as who did it.
    pub actor: String,
}

/// Takes out what is personal to one subject.
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

    /// The event without what is personal to the subject; nothing when there is nothing of the kind in it, or no more.
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
