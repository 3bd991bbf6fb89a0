//! The gateway serves the schema that is committed, which a test of `schema` keeps current. It is the same both ways and runs
//! embedded.

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

tests::embedded!(committed_schema_is_served);
