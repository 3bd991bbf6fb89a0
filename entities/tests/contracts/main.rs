//! Published events are a contract: a schema in `events.json` may never change. A new shape gets a new schema version,
//! which `UPDATE_EXPECT=1 cargo test --workspace --test contracts` adds to the file. `asyncapi.json` describes the same events with the
//! channels they travel on, and `event.schema.json` is one schema of all, for generators of types. Clients and tools read these files,
//! so they are plain, without the head that most snapshots have.

mod asyncapi;
mod components;

use std::collections::BTreeMap;

use components::Components;
use entities::EventContract;
use events::{Event, Meta, Proof};
use expect_test::{ExpectFile, expect_file};
use serde_json::{Map, Value, json, value::RawValue};
use uuid::Uuid;

/// A version of an event that was published.
struct Published {
    /// The event type with the version, such as `CustomerCreatedV1`.
    name: String,
    contract: EventContract,
}

fn events_file() -> ExpectFile {
    expect_file!["../../events.json"]
}

/// The schemas in `events.json`, and those that are new.
fn schemas() -> Map<String, Value> {
    let mut all: Map<String, Value> = serde_json::from_str(&events_file().data()).expect("JSON");
    for contract in entities::event_contracts() {
        let name = format!("{}.v{}", contract.event_type, contract.version);
        all.entry(name).or_insert(contract.schema);
    }
    all
}

/// All versions of all events, the older ones of each type first.
fn published() -> Vec<Published> {
    let current = entities::event_contracts();
    let by_type: BTreeMap<&str, &EventContract> =
        current.iter().map(|it| (it.event_type, it)).collect();
    let published = schemas().into_iter().map(|(name, schema)| {
        let (event_type, version) = name.rsplit_once(".v").expect("a type and its version");
        let known = by_type.get(event_type);
        let known = known.unwrap_or_else(|| panic!("nothing reads {event_type} any more"));
        Published {
            name: format!("{event_type}V{version}"),
            contract: EventContract {
                version: version.parse().expect("a version"),
                schema,
                ..(*known).clone()
            },
        }
    });
    let mut published: Vec<Published> = published.collect();
    published.sort_by_key(|it| (it.contract.version, it.name.clone()));
    published
}

/// The schemas of all events, with what they refer to.
fn components() -> Components {
    let mut components = Components::default();
    components.insert("Envelope", asyncapi::envelope());
    for event in published() {
        components.add_event(&event);
    }
    components
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON") + "\n"
}

#[test]
fn published_event_schemas_are_unchanged() {
    let all = schemas();
    for EventContract {
        event_type,
        version,
        schema,
        ..
    } in entities::event_contracts()
    {
        let name = format!("{event_type}.v{version}");
        assert_eq!(
            all[&name], schema,
            "the shape of {name} changed: give it a new schema version"
        );
    }
    events_file().assert_eq(&pretty(&all.into()));
}

#[test]
fn the_committed_asyncapi_document_is_current() {
    let document = asyncapi::document(&published(), components());
    expect_file!["../../asyncapi.json"].assert_eq(&pretty(&document));
}

#[test]
fn the_committed_schema_of_all_events_is_current() {
    let components = components();
    let any = published();
    let any = any.iter().map(|it| Components::reference(&it.name));
    let any = json!({ "oneOf": any.collect::<Vec<_>>() });
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Event",
        "description": "An event of the log of Millrace, as it is in Redis Streams: of any type, and of any version that was \
            ever written.",
        "oneOf": any["oneOf"],
        "$defs": components.into_schemas(),
    });
    components::rename_references(&mut schema, "#/$defs/");
    expect_file!["../../event.schema.json"].assert_eq(&pretty(&schema));
}

/// Or the documents describe another envelope than the one that is in Redis.
#[test]
fn the_envelope_is_that_of_events() {
    let whole = Event {
        position: 2,
        previous: 1,
        event_id: Uuid::nil(),
        part: 0,
        stream: "customer".to_owned(),
        stream_id: Uuid::nil(),
        version: 1,
        event_type: "CustomerCreated".to_owned(),
        schema_version: 1,
        data: RawValue::NULL.to_owned(),
        meta: Meta {
            actor: "anonymous".to_owned(),
            correlation_id: Some(String::new()),
            causation_id: Some(Uuid::nil()),
            traceparent: Some(String::new()),
            idempotency_key: Some(String::new()),
            ..Meta::default()
        },
        occurred_at: chrono::DateTime::UNIX_EPOCH,
        follows: Some(Proof::of(Uuid::nil())),
    };
    let least = Event {
        meta: Meta::default(),
        follows: None,
        ..whole.clone()
    };
    let envelope = asyncapi::envelope();
    let of_each_type = ["data", "schema_version", "stream", "type"];
    for (event, described) in [(whole, "properties"), (least, "required")] {
        let event = serde_json::to_value(event).expect("JSON");
        let names = |value: &Value| -> Vec<String> {
            let of_objects = |it: &Map<String, Value>| it.keys().cloned().collect();
            let of_lists = || value.as_array().map(|it| it.iter().map(name).collect());
            let names = value.as_object().map(of_objects).or_else(of_lists);
            let mut names: Vec<String> = names.expect("names");
            names.retain(|name| !of_each_type.contains(&name.as_str()));
            names.sort();
            names
        };
        assert_eq!(names(&event), names(&envelope[described]));
        let meta = &envelope["properties"]["meta"][described];
        assert_eq!(names(&event["meta"]), names(meta));
    }
}

fn name(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}
