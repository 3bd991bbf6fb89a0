//! Published events are a contract: a schema in `events.json` may never change. A new shape gets a new schema version,
//! and is added with `UPDATE=1 cargo test -p entities`.

use serde_json::{Map, Value};

#[test]
fn published_event_schemas_are_unchanged() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/events.json");
    let published: Map<String, Value> = match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).expect("events.json is JSON"),
        Err(_) => Map::new(),
    };
    let current = entities::event_schemas();
    let current = current.as_object().expect("an object");
    for (name, schema) in current {
        if let Some(published) = published.get(name) {
            assert_eq!(
                published, schema,
                "the shape of {name} changed: give it a new schema version"
            );
        }
    }
    if std::env::var_os("UPDATE").is_some() {
        let mut all = published;
        all.extend(current.clone());
        let text = serde_json::to_string_pretty(&all).expect("JSON");
        std::fs::write(path, text + "\n").expect("events.json is written");
        return;
    }
    let missing: Vec<_> = current
        .keys()
        .filter(|name| !published.contains_key(*name))
        .collect();
    assert!(
        missing.is_empty(),
        "not in events.json yet: {missing:?}; run UPDATE=1 cargo test -p entities"
    );
}
