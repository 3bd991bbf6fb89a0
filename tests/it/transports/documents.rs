//! Documents that requests name: registered by clients and known to all gateways, or trusted.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::graphql::{Answer, Client};
use tests::recipe::{finish, product_command};
use tests::waiting::SOON;
use tests::{Setup, eventually};

const TOTAL: &str = "query Total { customers(first: 1) { totalCount } }";
const STRICT: (&str, &str) = ("accept", "application/graphql-response+json");

fn hash(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

fn named(text: &str) -> Value {
    json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash(text) } } })
}

fn registering(text: &str, hashed: &str) -> Value {
    let mut body = named(hashed);
    body["query"] = json!(text);
    body
}

async fn ask(client: &Client, body: &Value) -> Answer {
    client.post(body, &[]).await.expect("an answer")
}

async fn a_document_that_one_gateway_knows_all_know(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let (first, last) = (&clients[0], clients.last().expect("a gateway"));
    for accept in [("accept", "application/json"), STRICT] {
        let unknown = first
            .post(&named(TOTAL), &[accept])
            .await
            .expect("an answer");
        unknown.expect_code("PERSISTED_QUERY_NOT_FOUND");
        assert_eq!(
            unknown.body["errors"][0]["message"],
            "PersistedQueryNotFound"
        );
    }
    ask(first, &registering(TOTAL, TOTAL)).await.data();
    ask(first, &named(TOTAL)).await.data();
    // It is handed on in the background.
    eventually("the other gateway knows it", SOON, async || {
        ask(last, &named(TOTAL))
            .await
            .code()
            .is_none()
            .then_some(())
    })
    .await;
    let by_id = json!({ "documentId": format!("sha256:{}", hash(TOTAL)) });
    ask(last, &by_id).await.data();
    let target = format!(
        "/graphql?extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%2C%22sha256Hash%22%3A%22{}%22%7D%7D",
        hash(TOTAL)
    );
    let by_get = last.get(&target, &[]).await;
    assert!(by_get.text().contains("totalCount"), "{}", by_get.text());
    let target = format!("/graphql?documentId=sha256:{}", hash(TOTAL));
    let by_get = last.get(&target, &[]).await;
    assert!(by_get.text().contains("totalCount"), "{}", by_get.text());

    let mut socket = last.socket().await;
    let mut payload = named(TOTAL);
    socket
        .send(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    let message = socket.message().await;
    assert!(
        message["payload"]["data"]["customers"].is_object(),
        "{message}"
    );
    payload = named("{ nobody }");
    socket
        .send(json!({ "id": "2", "type": "subscribe", "payload": payload }))
        .await;
    while socket.message().await["id"] != "2" {}
}

/// A key under which a client registers is that of the text, whatever the client says; and what is not valid is not kept.
async fn what_is_registered_is_checked(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let other = "query Other { __typename }";
    let refused = ask(client, &registering(other, TOTAL)).await;
    refused.expect_code("BAD_REQUEST");
    ask(client, &named(TOTAL))
        .await
        .expect_code("PERSISTED_QUERY_NOT_FOUND");
    ask(client, &named(other))
        .await
        .expect_code("PERSISTED_QUERY_NOT_FOUND");
    let invalid = "query Wrong { nope }";
    ask(client, &registering(invalid, invalid))
        .await
        .expect_code("GRAPHQL_VALIDATION_FAILED");
    ask(client, &named(invalid))
        .await
        .expect_code("PERSISTED_QUERY_NOT_FOUND");
    for extension in [
        json!(7),
        json!({ "version": 2, "sha256Hash": hash(TOTAL) }),
        json!({ "version": 1 }),
        json!({ "version": 1, "sha256Hash": 7 }),
    ] {
        let body = json!({ "extensions": { "persistedQuery": extension } });
        ask(client, &body).await.expect_code("BAD_REQUEST");
    }
    let both = json!({ "query": TOTAL, "documentId": "x" });
    let refused = ask(client, &both).await;
    assert_eq!(refused.status, 400);
    ask(client, &json!({ "documentId": "x" }))
        .await
        .expect_code("PERSISTED_QUERY_NOT_FOUND");
    let mutation = "mutation { deleteCustomer(input: { id: \"x\" }) { customer { id } } }";
    ask(client, &registering(mutation, mutation)).await;
    let target = format!("/graphql?documentId=sha256:{}", hash(mutation));
    assert_eq!(
        client.get(&target, &[]).await.status,
        405,
        "no mutation by GET"
    );
}

async fn registering_can_be_turned_off(setup: Setup) {
    let app = setup.start_many(1, 0, &["--max-persisted-bytes", "0"]);
    let refused = ask(app.client(), &named(TOTAL)).await;
    refused.expect_code("PERSISTED_QUERY_NOT_SUPPORTED");
    assert_eq!(
        refused.body["errors"][0]["message"],
        "PersistedQueryNotSupported"
    );
    ask(app.client(), &registering(TOTAL, TOTAL)).await.data();
    ask(app.client(), &json!({ "documentId": "x" }))
        .await
        .expect_code("PERSISTED_QUERY_NOT_FOUND");
}

async fn trusted_documents_can_be_the_only_ones(setup: Setup) {
    let file = setup.directory.join("trusted.json");
    let documents = json!({ "total": TOTAL });
    std::fs::write(&file, documents.to_string()).expect("a file");
    let file = file.display().to_string();
    let flags = ["--trusted-documents", &file, "--trusted-documents-only"];
    let app = setup.start_many(1, 0, &flags);
    let client = app.client();
    for trusted in [
        json!({ "documentId": "total" }),
        json!({ "documentId": format!("sha256:{}", hash(TOTAL)) }),
        json!({ "query": TOTAL }),
        named(TOTAL),
        registering(TOTAL, TOTAL),
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "total" } } }),
    ] {
        ask(client, &trusted).await.data();
    }
    for other in [
        json!({ "query": "{ __typename }" }),
        json!({ "query": "{ __schema { queryType { name } } }" }),
        json!({ "query": format!("{TOTAL} ") }),
        json!({ "documentId": "other" }),
        named("{ __typename }"),
        registering("{ __typename }", "{ __typename }"),
    ] {
        let refused = client.post(&other, &[STRICT]).await.expect("an answer");
        refused.expect_code("DOCUMENT_NOT_TRUSTED");
        assert_eq!(refused.status, 403);
    }
    let mut socket = client.socket().await;
    socket.subscribe("1", "{ __typename }", json!({})).await;
    let message = socket.message().await;
    assert_eq!(
        message["payload"][0]["extensions"]["code"], "DOCUMENT_NOT_TRUSTED",
        "{message}"
    );
    let page = client.get("/graphiql", &[]).await;
    assert_eq!(page.status, 200, "the page is there, as in production");
}

/// Before anything else is done, in words that say what to do.
async fn files_that_cannot_be_used_stop_the_start(setup: Setup) {
    let file = setup.directory.join("trusted.json");
    let path = file.display().to_string();
    for (text, reason) in [
        (Some("{\"a\": \"{ nope }\"}"), "\"a\" is not valid: "),
        (Some("{\"a\": "), "EOF"),
        (None, "No such file"),
    ] {
        match text {
            Some(text) => std::fs::write(&file, text).expect("a file"),
            None => std::fs::remove_file(&file).expect("removed"),
        }
        let mut serve = product_command("serve", &setup.directory);
        setup.settings.give_to(&mut serve);
        serve.args(["--database-url", &setup.database_url]);
        serve.args(["--listen", "127.0.0.1:0", "--trusted-documents", &path]);
        let done = finish(&mut serve);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.contains(reason) && said.contains(&path), "{said}");
    }
}

tests::both_ways!(a_document_that_one_gateway_knows_all_know);
tests::embedded!(
    what_is_registered_is_checked,
    registering_can_be_turned_off,
    trusted_documents_can_be_the_only_ones,
    files_that_cannot_be_used_stop_the_start
);
