//! Create, update, delete and restore, and what each leaves behind.

use serde_json::{Value, json};
use tests::{Setup, customers};

async fn a_life(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let input = json!({ "name": "Ada Lovelace", "email": "Ada@Example.com", "phone": "+44 20 7946 0000", "status": "ACTIVE" });
    let created = customers::apply(client, "create", input).await;
    let id = created["id"].clone();
    let text = id.as_str().expect("an id");
    assert!(
        text.starts_with("customer_") && text.len() == "customer_".len() + 26,
        "{text}"
    );
    assert_eq!(created["name"], "Ada Lovelace");
    assert_eq!(created["email"], "Ada@Example.com", "as it was written");
    assert_eq!(
        (
            &created["status"],
            &created["version"],
            &created["deletedAt"]
        ),
        (&json!("ACTIVE"), &json!(1), &Value::Null)
    );
    assert_eq!(created["createdAt"], created["updatedAt"]);
    assert!(
        created["createdAt"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z') || time.ends_with("+00:00")),
        "UTC: {created}"
    );
    assert_eq!(customers::find(client, &id).await, created);

    let updated =
        customers::apply(client, "update", json!({ "id": id, "status": "SUSPENDED" })).await;
    assert_eq!(
        (&updated["status"], &updated["version"], &updated["name"]),
        (&json!("SUSPENDED"), &json!(2), &json!("Ada Lovelace"))
    );
    assert_eq!(updated["createdAt"], created["createdAt"]);
    assert!(updated["updatedAt"].as_str() > created["updatedAt"].as_str());

    let deleted = customers::apply(client, "delete", json!({ "id": id })).await;
    assert_eq!(deleted["version"], 3);
    assert!(deleted["deletedAt"].is_string(), "{deleted}");
    assert_eq!(
        customers::find(client, &id).await,
        Value::Null,
        "a deleted customer is not found"
    );

    let restored = customers::apply(client, "restore", json!({ "id": id })).await;
    assert_eq!(
        (&restored["version"], &restored["deletedAt"]),
        (&json!(4), &Value::Null)
    );
    assert_eq!(customers::find(client, &id).await, restored);
}

async fn absent_and_null_differ(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let input = json!({ "name": "Ada", "email": "ada@example.com", "phone": "+1 555 0100" });
    let id = customers::apply(client, "create", input).await["id"].clone();
    let kept = customers::apply(client, "update", json!({ "id": id, "name": "Ada L." })).await;
    assert_eq!(kept["phone"], "+1 555 0100", "absent leaves it");
    let cleared = customers::apply(client, "update", json!({ "id": id, "phone": null })).await;
    assert_eq!(
        (&cleared["phone"], &cleared["name"]),
        (&Value::Null, &json!("Ada L.")),
        "null clears it"
    );
    for field in ["name", "email", "status"] {
        let answer = customers::send(client, "update", json!({ "id": id, field: null })).await;
        let code = answer
            .code()
            .unwrap_or_else(|| panic!("{field}: null was taken: {}", answer.http.text()));
        assert!(
            matches!(
                code,
                "VALIDATION" | "GRAPHQL_VALIDATION_FAILED" | "BAD_REQUEST"
            ),
            "{field}: {code}"
        );
    }
    assert_eq!(customers::find(client, &id).await["version"], 3);
}

async fn answers_carry_the_cursor_before_their_change_is_missed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let before = client.head().await;
    let answer = customers::send(
        client,
        "create",
        json!({ "name": "Ada", "email": "ada@example.com" }),
    )
    .await;
    let after = answer.cursor();
    let position = tests::ids::position;
    assert!(
        position(&after) == position(&before) || position(&after) == position(&before) + 1,
        "{before} {after}"
    );
    tests::eventually("the head moves by one", tests::waiting::SOON, async || {
        (position(&client.head().await) == position(&before) + 1).then_some(())
    })
    .await;
}

tests::both_ways!(
    a_life,
    absent_and_null_differ,
    answers_carry_the_cursor_before_their_change_is_missed,
);
