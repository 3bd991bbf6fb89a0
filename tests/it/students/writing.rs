//! Create, update and delete, and the rules of each.

use serde_json::{Value, json};
use tests::{Setup, students};

async fn a_life(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let input = json!({
        "name": " Ada Lovelace ", "email": " Ada@Example.com", "studentNumber": " 2026/001-a",
        "course": "Mathematics", "year": 2, "status": "ENROLLED",
    });
    let created = students::apply(client, "create", input).await;
    assert_eq!(created["name"], "Ada Lovelace");
    assert_eq!(created["email"], "Ada@Example.com");
    assert_eq!(created["studentNumber"], "2026/001-a");
    assert_eq!(
        (&created["year"], &created["status"]),
        (&json!(2), &json!("ENROLLED"))
    );
    assert_eq!(created["version"], 1);
    let id = &created["id"];
    assert!(
        id.as_str().is_some_and(|id| id.starts_with("student_")),
        "{id}"
    );
    assert_eq!(students::find(client, id).await, created);

    let change =
        json!({ "id": id, "expectedVersion": 1, "status": "ON_LEAVE", "studentNumber": null });
    let updated = students::apply(client, "update", change).await;
    assert_eq!(updated["status"], "ON_LEAVE");
    assert_eq!(updated["studentNumber"], Value::Null);
    assert_eq!(
        (&updated["version"], &updated["name"]),
        (&json!(2), &created["name"])
    );
    assert_eq!(students::find(client, id).await, updated);
    let same = students::apply(client, "update", json!({ "id": id, "year": 2 })).await;
    assert_eq!(same["version"], 2, "nothing was changed");

    let outdated = students::send(
        client,
        "update",
        json!({ "id": id, "expectedVersion": 1, "year": 3 }),
    )
    .await;
    assert_eq!(outdated.expect_code("CONFLICT")["currentVersion"], 2);
    let outdated =
        students::send(client, "delete", json!({ "id": id, "expectedVersion": 1 })).await;
    assert_eq!(outdated.expect_code("CONFLICT")["currentVersion"], 2);

    let deleted =
        students::apply(client, "delete", json!({ "id": id, "expectedVersion": 2 })).await;
    assert_eq!(deleted["version"], 3);
    assert!(deleted["deletedAt"].is_string());
    assert!(students::find(client, id).await.is_null());
    for kind in ["update", "delete"] {
        let gone = students::send(client, kind, json!({ "id": id })).await;
        gone.expect_code("NOT_FOUND");
    }
    let node = client
        .run(
            "query($id: ID!) { node(id: $id) { id } }",
            json!({ "id": id }),
        )
        .await;
    assert!(node.data()["node"].is_null());
}

/// That a worker has cached a student is no change of it: a version seen before is still the right one.
async fn being_cached_is_no_new_version(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let id = students::create(client, "Ada", "ada@example.com").await["id"].clone();
    for version in 1..6 {
        super::subscription::await_cached(client, &id, version).await;
        let change = json!({ "id": id, "expectedVersion": version, "year": version + 1 });
        let updated = students::apply(client, "update", change).await;
        assert_eq!(updated["version"], version + 1);
    }
    let document = "query($id: ID!) { student(id: $id) { history { nodes { type version } } } }";
    let answer = client.run(document, json!({ "id": id })).await;
    let history = answer.data()["student"]["history"]["nodes"].clone();
    let versions: Vec<_> = history
        .as_array()
        .expect("nodes")
        .iter()
        .map(|it| it["version"].clone())
        .collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6].map(Value::from));
}

async fn violations_are_listed_all_at_once(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let wrong =
        json!({ "name": " ", "email": "ada", "studentNumber": "#", "course": "", "year": 0 });
    let answer = students::send(client, "create", wrong).await;
    let violations = answer.expect_code("VALIDATION")["violations"].clone();
    let fields: Vec<_> = violations
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["field"].clone())
        .collect();
    assert_eq!(fields, ["course", "email", "name", "studentNumber", "year"]);
    let id = students::create(client, "Ada", "ada@example.com").await["id"].clone();
    for input in [
        json!({ "name": null }),
        json!({ "year": null }),
        json!({ "year": 21 }),
        json!({ "email": "x" }),
    ] {
        let mut input = input;
        input["id"] = id.clone();
        students::send(client, "update", input)
            .await
            .expect_code("VALIDATION");
    }
    assert_eq!(students::find(client, &id).await["version"], 1);
}

tests::both_ways!(
    a_life,
    being_cached_is_no_new_version,
    violations_are_listed_all_at_once,
);
