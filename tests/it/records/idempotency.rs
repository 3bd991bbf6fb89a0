//! A repeat under the same key gets the first answer and does nothing; the key stands for one request.

use futures::future::join_all;
use serde_json::json;
use tests::{Setup, graphql::Answer, records::Kind};

pub(super) async fn repeats_get_the_first_answer(setup: Setup, kind: &Kind) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let new = || (kind.new)(1);
    let first = kind
        .send_with_key(client, "create", new(), Some("key-1"))
        .await;
    let field = kind.mutation("create").1;
    let id = first.data()[field.as_str()][kind.one]["id"].clone();
    kind.set_text(client, &id, "Changed since").await;
    for gateway in &app.gateways {
        let again = kind
            .send_with_key(&gateway.client, "create", new(), Some("key-1"))
            .await;
        assert_eq!(
            again.data(),
            first.data(),
            "the first answer, not today's state"
        );
    }
    // A change and a deletion are remembered as creations are.
    for (verb, input) in [
        ("update", json!({ "id": id, kind.text: "Again" })),
        ("delete", json!({ "id": id })),
    ] {
        let first = kind
            .send_with_key(client, verb, input.clone(), Some(verb))
            .await;
        let again = kind.send_with_key(client, verb, input, Some(verb)).await;
        assert_eq!(again.data(), first.data(), "{verb}");
    }
    let other = kind
        .send_with_key(client, "create", (kind.new)(2), Some("key-2"))
        .await;
    assert_ne!(other.data()[field.as_str()][kind.one]["id"], id);
}

pub(super) async fn another_body_is_refused(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let first = kind
        .send_with_key(client, "create", (kind.new)(1), Some("key-1"))
        .await;
    first.data();
    let other = kind
        .send_with_key(client, "create", (kind.new)(2), Some("key-1"))
        .await;
    other.expect_code("IDEMPOTENCY_KEY_REUSED");
    assert_eq!(kind.count(client).await, 1, "nothing was done");
}

pub(super) async fn simultaneous_repeats_are_applied_once(setup: Setup, kind: &Kind) {
    let app = setup.start_many(2, 1, &[]);
    for round in 0..20 {
        let key = format!("race-{round}");
        let attempts = (0..4).map(|number| {
            let client = app.gateways[number % app.gateways.len()].client.clone();
            let (key, input) = (key.clone(), (kind.new)(round));
            async move {
                kind.send_with_key(&client, "create", input, Some(&key))
                    .await
            }
        });
        let answers = join_all(attempts).await;
        let done: Vec<&Answer> = answers.iter().filter(|it| it.code().is_none()).collect();
        let codes = || answers.iter().map(Answer::code).collect::<Vec<_>>();
        assert!(!done.is_empty(), "{:?}", codes());
        assert!(
            done.iter().all(|it| it.data() == done[0].data()),
            "one answer for all"
        );
        for other in answers.iter().filter(|it| it.code().is_some()) {
            // Told to come again while the first is at work; never that the address is taken by itself.
            assert!(other.is_passing(), "{}", other.http.text());
        }
    }
    assert_eq!(kind.count(app.client()).await, 20);
}

pub(super) async fn failures_leave_the_key_usable(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let mut bad = (kind.new)(1);
    bad[kind.text] = json!("");
    for _ in 0..2 {
        let refused = kind
            .send_with_key(client, "create", bad.clone(), Some("key-1"))
            .await;
        refused.expect_code("VALIDATION");
    }
    // Whether a corrected body may use the key is the product's choice; it must say which.
    let corrected = kind
        .send_with_key(client, "create", (kind.new)(1), Some("key-1"))
        .await;
    let code = corrected.code();
    assert!(
        matches!(code, None | Some("IDEMPOTENCY_KEY_REUSED")),
        "{}",
        corrected.http.text()
    );
}
