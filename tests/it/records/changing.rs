//! Create, update, delete and restore, and what each leaves behind.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Setup, records::Kind};

pub(super) async fn a_life(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let created = kind.create(client, 1).await;
    let id = &created["id"];
    let text = id.as_str().expect("an id");
    let prefix = format!("{}_", kind.one);
    assert!(
        text.starts_with(&prefix) && text.len() == prefix.len() + 26,
        "{text}"
    );
    for (field, value) in (kind.new)(1).as_object().expect("an input") {
        assert_eq!(created[field], *value, "{field}");
    }
    assert_eq!(
        (&created["version"], &created["deletedAt"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(created["createdAt"], created["updatedAt"]);
    let time = created["createdAt"].as_str().expect("a time");
    assert!(
        time.ends_with('Z') || time.ends_with("+00:00"),
        "UTC: {time}"
    );
    assert_eq!(kind.find(client, id).await, created);

    let updated = kind.set_text(client, id, "Another").await;
    let mut expected = created.clone();
    for (field, value) in [(kind.text, json!("Another")), ("version", json!(2))] {
        expected[field] = value;
    }
    assert!(updated["updatedAt"].as_str() > created["updatedAt"].as_str());
    expected["updatedAt"] = updated["updatedAt"].clone();
    assert_eq!(updated, expected, "everything else is as it was");
    let same = kind.set_text(client, id, "Another").await;
    assert_eq!(same, updated, "an update that changes nothing is none");

    let deleted = kind.apply(client, "delete", json!({ "id": id })).await;
    assert_eq!(deleted["version"], 3);
    assert!(deleted["deletedAt"].is_string(), "{deleted}");
    assert_eq!(kind.find(client, id).await, Value::Null);
    assert_eq!(kind.count(client).await, 0);
    if kind.restores {
        let restored = kind.apply(client, "restore", json!({ "id": id })).await;
        assert_eq!(
            (&restored["version"], &restored["deletedAt"]),
            (&json!(4), &Value::Null)
        );
        assert_eq!(kind.find(client, id).await, restored);
        let again = kind.send(client, "restore", json!({ "id": id })).await;
        again.expect_code("CONFLICT");
    }
}

pub(super) async fn ids_are_found_by_node(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let record = kind.create(client, 1).await;
    let document = "query($id: ID!) { node(id: $id) { __typename id } }";
    let found = client.run(document, json!({ "id": record["id"] })).await;
    let expected = json!({ "__typename": kind.name, "id": record["id"] });
    assert_eq!(found.data()["node"], expected);
    let none = client.run(document, json!({ "id": kind.unknown() })).await;
    assert_eq!(none.data()["node"], Value::Null);
}

pub(super) async fn absent_stays_and_null_is_refused(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let id = kind.create(client, 1).await["id"].clone();
    for field in [kind.text, kind.unique[0], "status"] {
        let answer = kind
            .send(client, "update", json!({ "id": id, field: null }))
            .await;
        let violations = answer.expect_code("VALIDATION")["violations"].clone();
        assert_eq!(
            (&violations[0]["field"], &violations[0]["code"]),
            (&json!(field), &json!("null"))
        );
    }
    let same = kind.apply(client, "update", json!({ "id": id })).await;
    assert_eq!(same["version"], 1);
}

pub(super) async fn what_is_not_there_is_not_found(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let record = kind.create(client, 1).await;
    kind.apply(client, "delete", json!({ "id": record["id"] }))
        .await;
    for id in [json!(kind.unknown()), record["id"].clone()] {
        let update = kind
            .send(client, "update", json!({ "id": id, kind.text: "B" }))
            .await;
        update.expect_code("NOT_FOUND");
        let delete = kind.send(client, "delete", json!({ "id": id })).await;
        delete.expect_code("NOT_FOUND");
    }
    let of_another = kind.send(
        client,
        "delete",
        json!({ "id": "post_01h455vb4pex5vsknk084sn02q" }),
    );
    of_another.await.expect_code("VALIDATION");
    for nothing in [
        kind.unknown().as_str(),
        "post_01h455vb4pex5vsknk084sn02q",
        "x",
        "",
    ] {
        assert_eq!(kind.find(client, &json!(nothing)).await, Value::Null);
    }
    assert_eq!(kind.count(client).await, 0);
}

pub(super) async fn expected_versions_guard_every_change(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let id = kind.create(client, 1).await["id"].clone();
    let mut changes = vec![
        ("update", json!({ kind.text: "Another" })),
        ("delete", json!({})),
    ];
    if kind.restores {
        changes.push(("restore", json!({})));
    }
    for (version, (verb, input)) in (1..).zip(changes) {
        let at = |expected: i32| {
            let mut input = input.clone();
            input["id"] = id.clone();
            input["expectedVersion"] = json!(expected);
            input
        };
        for wrong in [version + 1, version - 1] {
            let answer = kind.send(client, verb, at(wrong)).await;
            assert_eq!(
                answer.expect_code("CONFLICT")["currentVersion"],
                version,
                "{verb}"
            );
        }
        let changed = kind.apply(client, verb, at(version)).await;
        assert_eq!(changed["version"], version + 1);
    }
}

/// Of updates that expect the same version one is done; the others learn which version there is.
pub(super) async fn one_of_many_updates_wins(setup: Setup, kind: &Kind) {
    let app = setup.start_many(2, 1, &[]);
    let id = kind.create(app.client(), 1).await["id"].clone();
    for version in 1..6 {
        let attempts = (0..6).map(|number| {
            let client = app.gateways[number % app.gateways.len()].client.clone();
            let text = format!("Text {version} {number}");
            let input = json!({ "id": id, "expectedVersion": version, kind.text: text });
            async move { kind.send(&client, "update", input).await }
        });
        let answers = join_all(attempts).await;
        let done = answers.iter().filter(|answer| answer.code().is_none());
        assert_eq!(done.count(), 1, "at version {version}");
        for answer in answers.iter().filter(|answer| answer.code().is_some()) {
            assert_eq!(
                answer.expect_code("CONFLICT")["currentVersion"],
                version + 1
            );
        }
    }
}

pub(super) async fn values_are_unique_until_deleted(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let (first, second) = (kind.create(client, 1).await, kind.create(client, 2).await);
    for field in kind.unique {
        let taken = first[field].as_str().expect("a text").to_uppercase();
        let mut input = (kind.new)(3);
        input[field] = json!(taken);
        let refused = kind.send(client, "create", input).await;
        assert_eq!(refused.expect_code("CONFLICT")["field"], *field);
        let update = json!({ "id": second["id"], *field: taken });
        let refused = kind.send(client, "update", update).await;
        assert_eq!(refused.expect_code("CONFLICT")["field"], *field);
    }
    kind.apply(client, "delete", json!({ "id": first["id"] }))
        .await;
    kind.create(client, 1).await;
    if kind.restores {
        let refused = kind
            .send(client, "restore", json!({ "id": first["id"] }))
            .await;
        assert_eq!(refused.expect_code("CONFLICT")["field"], kind.unique[0]);
    }
}
