//! Published events are a contract: a schema in `events.json` may never change. A new shape gets a new schema version,
//! which `UPDATE_EXPECT=1 cargo test --workspace --test contracts` adds to the file. Clients and tools read the file, so it is
//! plain, without the head that most snapshots have.

use expect_test::expect_file;
use serde_json::{Map, Value};

#[test]
fn published_event_schemas_are_unchanged() {
    let file = expect_file!["../events.json"];
    let mut all: Map<String, Value> = serde_json::from_str(&file.data()).expect("JSON");
    let current = entities::event_schemas();
    for (name, schema) in current.as_object().expect("an object") {
        let published = all.entry(name).or_insert_with(|| schema.clone());
        assert_eq!(
            published, schema,
            "the shape of {name} changed: give it a new schema version"
        );
    }
    file.assert_eq(&(serde_json::to_string_pretty(&all).expect("JSON") + "\n"));
}
