//! Create, update, delete and restore, and what each leaves behind.

use serde_json::{Value, json};
use tests::{Setup, customers};

const UNKNOWN: &str = "customer_01h455vb4pex5vsknk084sn02q";

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

async fn node_finds_what_has_an_id(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = customers::create(client, "Ada", "ada@example.com").await;
    let document = "query($id: ID!) { node(id: $id) { __typename id ... on Customer { name } } }";
    let found = client.run(document, json!({ "id": ada["id"] })).await;
    assert_eq!(
        found.data()["node"],
        json!({ "__typename": "Customer", "id": ada["id"], "name": "Ada" })
    );
    let none = client.run(document, json!({ "id": UNKNOWN })).await;
    assert_eq!(none.data()["node"], Value::Null);
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

async fn what_is_not_there_is_not_found(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    let ada = customers::create(client, "Ada", "ada@example.com").await;
    customers::apply(client, "delete", json!({ "id": ada["id"] })).await;
    let head = client.head_after(&start, 2).await;
    for id in [UNKNOWN, ada["id"].as_str().expect("an id")] {
        customers::send(client, "update", json!({ "id": id, "name": "B" }))
            .await
            .expect_code("NOT_FOUND");
        customers::send(client, "delete", json!({ "id": id }))
            .await
            .expect_code("NOT_FOUND");
    }
    customers::send(client, "restore", json!({ "id": UNKNOWN }))
        .await
        .expect_code("NOT_FOUND");
    assert_eq!(customers::find(client, &json!(UNKNOWN)).await, Value::Null);
    assert_eq!(client.head().await, head, "nothing was written");
}

async fn expected_version_guards_every_change(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let id = customers::create(client, "Ada", "ada@example.com").await["id"].clone();
    let mut version = 1;
    for (kind, extra) in [
        ("update", json!({ "name": "Ada L." })),
        ("delete", json!({})),
        ("restore", json!({})),
    ] {
        for wrong in [version + 1, version - 1] {
            let answer = customers::send(client, kind, input(&id, wrong, &extra)).await;
            assert_eq!(
                answer.expect_code("CONFLICT")["currentVersion"],
                version,
                "{kind}"
            );
        }
        let changed = customers::apply(client, kind, input(&id, version, &extra)).await;
        version += 1;
        assert_eq!(changed["version"], version);
    }
}

fn input(id: &Value, version: i64, extra: &Value) -> Value {
    let mut input = extra.clone();
    input["id"] = id.clone();
    input["expectedVersion"] = json!(version);
    input
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
    node_finds_what_has_an_id,
    absent_and_null_differ,
    what_is_not_there_is_not_found,
    expected_version_guards_every_change,
    answers_carry_the_cursor_before_their_change_is_missed,
);
