//! What gateways share of registered documents, and what they believe of one another.

use super::shared::key;
use super::*;

fn persisted(bytes: usize, documents: usize, store: &SharedStore) -> Persisted {
    let settings = DocumentSettings {
        max_persisted_bytes: bytes,
        max_persisted_documents: documents,
        ..workers::settings::defaults()
    };
    Persisted::new(&settings, Trusted::default(), Some(store.clone()))
}

fn request(text: &str, by: &str) -> Params {
    let hex: String = hash_of(by)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let extension = serde_json::json!({ "version": 1, "sha256Hash": hex });
    let body = serde_json::json!({ "query": text, "extensions": { PERSISTED_QUERY: extension } });
    Params::from_json(&body.to_string()).expect("a request")
}

async fn register(persisted: &Persisted, text: &str) {
    let resolved = persisted.resolve(&mut request(text, text)).await;
    let candidate = resolved.expect("a document").expect("something to keep");
    persisted.keep(candidate);
    if let Some(cache) = &persisted.kept {
        cache.run_pending_tasks();
    }
}

/// Returns whether the document is found by its hash.
async fn knows(persisted: &Persisted, text: &str) -> bool {
    // What is handed on is so in a task.
    tokio::task::yield_now().await;
    let mut params = request("", text);
    let is_known = persisted.resolve(&mut params).await.is_ok();
    assert!(!is_known || params.query == text);
    is_known
}

#[tokio::test]
async fn gateways_share_what_is_neither_secret_nor_too_much() {
    let store = SharedStore::in_memory();
    let (one, other) = (persisted(10_000, 10, &store), persisted(10_000, 10, &store));
    register(&one, "{ a }").await;
    assert!(knows(&one, "{ a }").await && knows(&other, "{ a }").await);
    assert!(!knows(&other, "{ b }").await);
    let secret = r#"mutation { signIn(password: "secret") { id } }"#;
    for secret in [secret.to_owned(), format!("query Warm {{ a }} {secret}")] {
        register(&one, &secret).await;
        assert!(knows(&one, &secret).await && !knows(&other, &secret).await);
    }
    for number in 0..20 {
        register(&one, &format!("{{ n{number} }}")).await;
    }
    let mut shared = 0;
    for number in 0..20 {
        shared += usize::from(knows(&other, &format!("{{ n{number} }}")).await);
    }
    assert_eq!(shared, 9, "ten in all within a lifetime");
    let entries = one.kept.as_ref().map(Cache::entry_count);
    assert!(entries.is_some_and(|entries| entries <= 10), "{entries:?}");
    let long = format!("{{ {} }}", "a ".repeat(MAX_TEXT));
    let resolved = one.resolve(&mut request(&long, &long)).await;
    assert!(resolved.expect("it is sent").is_none(), "it is not kept");
}

#[tokio::test]
async fn what_others_put_there_is_not_believed() {
    let store = SharedStore::in_memory();
    let one = persisted(10_000, 10, &store);
    let entry = (key(&hash_of("{ a }")), b"{ evil }".to_vec());
    assert!(store.set(&[entry], LIFETIME).await);
    assert!(!knows(&one, "{ a }").await);
    let refused = one.resolve(&mut request("{ evil }", "{ a }")).await;
    assert!(refused.is_err_and(|error| error.message.contains("does not match")));
}
