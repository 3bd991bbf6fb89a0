//! The schemas of events as named components, so that each type is there once, and what is generated from it has a name that stays.
//! A type that an event refers to is named after the event's schema version, `CustomerV1`. What is the same in a later version keeps its
//! name; what is not gets a name of its own. So a new version adds names, and changes none.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::Published;

const PLACE: &str = "#/components/schemas/";

#[derive(Default)]
pub(crate) struct Components(BTreeMap<String, Value>);

impl Components {
    pub(crate) fn reference(name: &str) -> Value {
        json!({ "$ref": format!("{PLACE}{name}") })
    }

    pub(crate) fn into_schemas(self) -> Value {
        self.0.into_iter().collect::<Map<_, _>>().into()
    }

    /// Adds a schema under a name, which nothing else may have.
    pub(crate) fn insert(&mut self, name: &str, schema: Value) {
        let known = self.0.entry(name.to_owned());
        let known = known.or_insert_with(|| schema.clone());
        assert_eq!(*known, schema, "two types are called {name}");
    }

    /// Adds a version of an event: the envelope with its data. Older versions come first.
    pub(crate) fn add_event(&mut self, event: &Published) {
        let contract = &event.contract;
        let title = contract.schema["title"].as_str();
        let title = title.unwrap_or(contract.event_type);
        let title = title.trim_end_matches("V1").trim_end_matches("Data");
        let data = format!("{title}DataV{}", contract.version);
        self.add(&data, &contract.schema, contract.version);
        // Generators understand an enum of one value, and some of them take a `const` for anything.
        let only = |kind: &str, value: Value| json!({ "type": kind, "enum": [value] });
        let schema = json!({
            "description": contract.meaning,
            "type": "object",
            "allOf": [
                Self::reference("Envelope"),
                {
                    "type": "object",
                    "properties": {
                        "stream": only("string", contract.stream.into()),
                        "type": only("string", contract.event_type.into()),
                        "schema_version": only("integer", contract.version.into()),
                        "data": Self::reference(&data),
                    },
                    "required": ["stream", "type", "schema_version", "data"],
                },
            ],
        });
        self.insert(&event.name, schema);
    }

    /// Adds a schema, and what it refers to as of this version.
    pub(crate) fn add(&mut self, name: &str, schema: &Value, version: i16) {
        let definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
        let schema = self.placed(schema, &definitions, version);
        self.insert(name, schema);
    }

    /// Returns a schema whose definitions are components.
    fn placed(&mut self, schema: &Value, definitions: &Map<String, Value>, version: i16) -> Value {
        match schema {
            Value::Object(fields) => {
                let mut placed = Map::new();
                for (key, value) in fields {
                    let value = match (key.as_str(), value.as_str()) {
                        ("$schema" | "$defs", _) => continue,
                        // A title names the type; a property of that name is an object.
                        ("title", Some(_)) => continue,
                        ("$ref", Some(target)) => {
                            let name = target.strip_prefix("#/$defs/").expect("a definition");
                            let name = self.define(name, definitions, version);
                            format!("{PLACE}{name}").into()
                        }
                        _ => self.placed(value, definitions, version),
                    };
                    placed.insert(key.clone(), value);
                }
                placed.into()
            }
            Value::Array(items) => {
                let items = items.iter();
                let placed = items.map(|item| self.placed(item, definitions, version));
                placed.collect()
            }
            other => other.clone(),
        }
    }

    /// Returns the name of a definition among the components.
    fn define(&mut self, name: &str, definitions: &Map<String, Value>, version: i16) -> String {
        let schema = self.placed(&definitions[name], definitions, version);
        let names = (1..=version).map(|version| format!("{name}V{version}"));
        let same = { names }.find(|name| self.0.get(name) == Some(&schema));
        same.unwrap_or_else(|| {
            let name = format!("{name}V{version}");
            self.insert(&name, schema);
            name
        })
    }
}

/// Lets references lead to another place.
pub(crate) fn rename_references(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value.as_str()) {
                    ("$ref", Some(target)) => *value = target.replace(PLACE, place).into(),
                    _ => rename_references(value, place),
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| rename_references(item, place)),
        _ => {}
    }
}

#[test]
fn types_are_named_by_version_and_keep_their_names() {
    let version = |kinds: &[&str]| {
        json!({
            "title": "ThingData",
            "properties": { "kind": { "$ref": "#/$defs/Kind" }, "size": { "$ref": "#/$defs/Size" } },
            "$defs": { "Kind": { "enum": kinds }, "Size": { "type": "integer" } },
        })
    };
    let mut components = Components::default();
    components.add("ThingDataV1", &version(&["A"]), 1);
    components.add("ThingDataV2", &version(&["A", "B"]), 2);
    let names: Vec<&str> = components.0.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["KindV1", "KindV2", "SizeV1", "ThingDataV1", "ThingDataV2"]
    );
    let properties = &components.0["ThingDataV2"]["properties"];
    assert_eq!(properties["kind"], Components::reference("KindV2"));
    assert_eq!(properties["size"], Components::reference("SizeV1"));
}
