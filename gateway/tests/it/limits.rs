//! Limits seen from outside: tools keep working, and the executor's own limits come out typed.

use std::time::{Duration, Instant};

use crate::http::{post, send};
use crate::toy;

/// The introspection query as GraphiQL sends it.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } \
  mutationType { name kind } subscriptionType { name kind } types { ...FullType } directives { name description \
  locations args(includeDeprecated: true) { ...InputValue } } } } \
  fragment FullType on __Type { kind name description specifiedByURL \
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } \
  type { ...TypeRef } isDeprecated deprecationReason } \
  inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef } \
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } \
  possibleTypes { ...TypeRef } } \
  fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated \
  deprecationReason } \
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind \
  name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } \
  } } } }";

#[tokio::test]
async fn introspection_is_within_the_limits() {
    let server = toy::start().await;
    let body = serde_json::json!({ "query": INTROSPECTION }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}",
        body.len()
    );
    let reply = send(&server, &head, body.as_bytes()).await;
    assert_eq!(reply.status, 200);
    assert!(!reply.body.contains("\"errors\""), "{}", reply.body);
    assert!(reply.body.contains("__schema"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_time_limit_holds_for_what_never_yields() {
    let mut config = toy::config();
    config.http.request_timeout = Duration::from_millis(100);
    let server = toy::start_with(config).await;
    let begun = Instant::now();
    let hanging = post(&server, r#"{"query":"{ hang(ms: 3000) }"}"#).await;
    assert!(hanging.body.contains("TIMEOUT"), "{}", hanging.body);
    let other = post(&server, r#"{"query":"{ hello }"}"#).await;
    assert!(other.body.contains("hello world"), "{}", other.body);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}
