//! The gateway serves the schema that is committed, which a test of `schema` keeps current, and tells of it by introspection what the
//! specification demands. It is the same both ways and runs embedded.

use serde_json::json;
use tests::Setup;
use tests::programs::repository;

async fn committed_schema_is_served(setup: Setup) {
    let app = setup.start();
    let response = app.client().get("/schema.graphql", &[]).await;
    assert_eq!(response.status, 200);
    let committed = repository().join("schema/schema.graphql");
    let committed = std::fs::read_to_string(committed).expect("schema/schema.graphql");
    assert!(response.text() == committed, "it serves another schema");
}

async fn what_introspection_tells_is_of_the_schema(setup: Setup) {
    let app = setup.start();
    // The schema has no description, and objects and interfaces have lists of interfaces, if empty ones.
    let document = "{ __schema { description } only: __schema { description queryType { name } }
        node: __type(name: \"Node\") { interfaces { name } kind: name kind_: kind possibleTypes { kind } }
        customer: __type(name: \"Customer\") { all: interfaces { name interfaces { name } } }
        scalar: __type(name: \"ID\") { interfaces { name } fields { type { interfaces { name } } } } }";
    let answer = app.client().run(document, json!({})).await;
    let mut data = answer.data().clone();
    let possible = data["node"]["possibleTypes"].take();
    assert!(possible.as_array().is_some_and(|types| types.len() > 5));
    let expected = json!({
        "__schema": { "description": null },
        "only": { "description": null, "queryType": { "name": "Query" } },
        "node": { "interfaces": [], "kind": "Node", "kind_": "INTERFACE", "possibleTypes": null },
        "customer": { "all": [{ "name": "Node", "interfaces": [] }] },
        "scalar": { "interfaces": null, "fields": null },
    });
    assert_eq!(data, expected);
}

tests::embedded!(
    committed_schema_is_served,
    what_introspection_tells_is_of_the_schema
);
