//! Mutations for many records: all rows or none, or each by itself; what became of each, and what happens when they are repeated or
//! meet others.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{
    Setup,
    graphql::{Answer, Client},
    records::Kind,
};

/// Sends a mutation for many rows.
async fn send(
    client: &Client,
    kind: &Kind,
    verb: &str,
    rows: &[Value],
    mode: &str,
    key: Option<&str>,
) -> Answer {
    let input = json!({ "rows": rows, "mode": mode });
    let headers: Vec<_> = key
        .map(|key| ("idempotency-key", key))
        .into_iter()
        .collect();
    client
        .run_with(
            &kind.bulk_mutation(verb).0,
            json!({ "input": input }),
            &headers,
        )
        .await
}

/// Returns the payload of a mutation that must succeed.
async fn each(client: &Client, kind: &Kind, verb: &str, rows: &[Value]) -> Value {
    let answer = send(client, kind, verb, rows, "EACH", None).await;
    answer.data()[kind.bulk_mutation(verb).1.as_str()].clone()
}

fn codes(payload: &Value) -> Vec<&str> {
    let rows = payload["rows"].as_array().expect("rows");
    rows.iter()
        .map(|row| row["error"]["code"].as_str().unwrap_or("DONE"))
        .collect()
}

pub(super) async fn many_are_created_changed_deleted_and_restored(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let start = client.head().await;
    let new: Vec<_> = (0..30).map(kind.new).collect();
    let created = each(client, kind, "create", &new).await;
    assert_eq!(
        (&created["done"], &created["refused"]),
        (&json!(30), &json!(0))
    );
    let rows = created["rows"].as_array().expect("rows");
    let ids: Vec<_> = rows.iter().map(|row| row[kind.one]["id"].clone()).collect();
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row["index"], number);
        assert_eq!(kind.find(client, &ids[number]).await, row[kind.one]);
    }
    let changes = |text: &str| -> Vec<_> {
        let changes = ids.iter().map(|id| json!({ "id": id, kind.text: text }));
        changes.collect()
    };
    each(client, kind, "update", &changes("Another")).await;
    // The rows of one record follow each other.
    let twice = [changes("One"), changes("Two")].concat();
    let changed = each(client, kind, "update", &twice).await;
    assert_eq!(changed["rows"][45][kind.one][kind.text], "Two");
    assert_eq!(changed["rows"][45][kind.one]["version"], 4);
    let targets: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
    each(client, kind, "delete", &targets).await;
    assert_eq!(kind.count(client).await, 0);
    let restored = each(client, kind, "restore", &targets).await;
    assert_eq!(restored["done"], 30);
    assert_eq!(kind.count(client).await, 30);
    // Each row has its events, in order.
    let mut socket = client.socket().await;
    let document = kind.changes();
    socket
        .subscribe("1", &document, json!({ "id": ids[7], "after": start }))
        .await;
    for (version, change) in (1..).zip([
        "CREATED", "UPDATED", "UPDATED", "UPDATED", "DELETED", "RESTORED",
    ]) {
        let event = socket.payload("1").await["data"][format!("{}Changed", kind.one)].clone();
        assert_eq!(
            (&event["type"], &event["version"]),
            (&json!(change), &json!(version))
        );
    }
}

pub(super) async fn each_row_is_refused_for_itself(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let unique = kind.unique[0];
    let kept = kind.create(client, 1).await;
    let gone = kind.create(client, 2).await;
    kind.apply(client, "delete", json!({ "id": gone["id"] }))
        .await;
    let mut broken = (kind.new)(5);
    broken[kind.text] = json!("");
    let created = each(
        client,
        kind,
        "create",
        &[
            (kind.new)(3),
            broken,
            (kind.new)(1),
            (kind.new)(2),
            (kind.new)(3),
        ],
    )
    .await;
    assert_eq!(
        codes(&created),
        ["DONE", "VALIDATION", "CONFLICT", "DONE", "CONFLICT"]
    );
    let rows = &created["rows"];
    assert_eq!(rows[1]["error"]["violations"][0]["field"], kind.text);
    assert_eq!(rows[2]["error"]["field"], unique);
    assert_eq!(rows[2][kind.one], Value::Null);
    let [third, second] = [0, 3].map(|row| rows[row][kind.one].clone());
    let updated = each(
        client,
        kind,
        "update",
        &[
            json!({ "id": kept["id"], kind.text: "Changed", "expectedVersion": 1 }),
            json!({ "id": kept["id"], kind.text: "Too late", "expectedVersion": 1 }),
            json!({ "id": gone["id"], kind.text: "Gone" }),
            json!({ "id": "nonsense", kind.text: "None" }),
            json!({ "id": third["id"], kind.text: null }),
            json!({ "id": third["id"], unique: second[unique] }),
        ],
    )
    .await;
    assert_eq!(
        codes(&updated),
        [
            "DONE",
            "CONFLICT",
            "NOT_FOUND",
            "VALIDATION",
            "VALIDATION",
            "CONFLICT"
        ]
    );
    assert_eq!(updated["rows"][1]["error"]["currentVersion"], 2);
    let restored = each(client, kind, "restore", &[json!({ "id": gone["id"] })]).await;
    assert_eq!(
        codes(&restored),
        ["CONFLICT"],
        "another one has taken its value"
    );
    assert_eq!(kind.find(client, &kept["id"]).await["version"], 2);
}

pub(super) async fn all_rows_or_none(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let kept = kind.create(client, 1).await;
    let rows = [(kind.new)(2), (kind.new)(1), (kind.new)(3)];
    let answer = send(client, kind, "create", &rows, "ALL_OR_NOTHING", Some("key")).await;
    answer.expect_code("CONFLICT");
    let refused = &answer.body["errors"][0]["extensions"]["rows"];
    assert_eq!(refused.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&refused[0]["index"], &refused[0]["field"]),
        (&json!(1), &json!(kind.unique[0]))
    );
    assert_eq!(kind.count(client).await, 1);
    // What failed has not used the key.
    let rows = [(kind.new)(2), (kind.new)(3)];
    let first = send(client, kind, "create", &rows, "ALL_OR_NOTHING", Some("key")).await;
    let again = send(client, kind, "create", &rows, "ALL_OR_NOTHING", Some("key")).await;
    assert_eq!(again.data(), first.data());
    assert_eq!(kind.count(client).await, 3);
    let other = send(
        client,
        kind,
        "create",
        &rows[..1],
        "ALL_OR_NOTHING",
        Some("key"),
    )
    .await;
    other.expect_code("IDEMPOTENCY_KEY_REUSED");
    let many = vec![json!({ "id": kept["id"] }); 1_001];
    for rows in [&many[..], &[]] {
        let answer = send(client, kind, "delete", rows, "EACH", None).await;
        answer.expect_code("VALIDATION");
    }
    let most: Vec<_> = (10..1_010).map(kind.new).collect();
    let created = each(client, kind, "create", &most).await;
    assert_eq!(created["done"], 1_000);
    assert_eq!(kind.count(client).await, 1_003);
}

/// A unique value moves from row to row within a call: in a circle, too, by way of a third value.
pub(super) async fn values_move_between_rows(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let client = app.client();
    let unique = kind.unique[0];
    let (a, b) = (kind.create(client, 1).await, kind.create(client, 2).await);
    let free = (kind.new)(3)[unique].clone();
    let set = |record: &Value, value: &Value| json!({ "id": record["id"], unique: value });
    let rows = [set(&a, &free), set(&b, &a[unique]), set(&a, &b[unique])];
    let moved = send(client, kind, "update", &rows, "ALL_OR_NOTHING", None).await;
    moved.data();
    let value = async |record: &Value| kind.find(client, &record["id"]).await[unique].clone();
    assert_eq!(
        (value(&a).await, value(&b).await),
        (b[unique].clone(), a[unique].clone())
    );
    // Whoever is deleted makes room for whoever comes after.
    each(client, kind, "delete", &[json!({ "id": a["id"] })]).await;
    let mut next = (kind.new)(4);
    next[unique] = b[unique].clone();
    let created = each(client, kind, "create", &[next]).await;
    assert_eq!(codes(&created), ["DONE"]);
}

/// Calls for the same rows, in opposite orders, follow each other, and none of them is lost.
pub(super) async fn simultaneous_calls_follow_each_other(setup: Setup, kind: &Kind) {
    let app = setup.start_many(2, 1, &[]);
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(kind.create(app.client(), number).await["id"].clone());
    }
    let calls = (0..6).map(|number| {
        let client = &app.gateways[number % app.gateways.len()].client;
        let text = format!("Call {number}");
        let mut rows: Vec<_> = ids
            .iter()
            .map(|id| json!({ "id": id, kind.text: text }))
            .collect();
        if number % 2 == 0 {
            rows.reverse();
        }
        async move { codes(&each(client, kind, "update", &rows).await).len() }
    });
    assert_eq!(join_all(calls).await, [10; 6]);
    for id in &ids {
        assert_eq!(kind.find(app.client(), id).await["version"], 7);
    }
    // Of calls that create the same, one wins each row.
    let new: Vec<_> = (20..30).map(kind.new).collect();
    let calls = app
        .gateways
        .iter()
        .map(|gateway| each(&gateway.client, kind, "create", &new));
    let done = join_all(calls).await;
    let done: u64 = done.iter().filter_map(|it| it["done"].as_u64()).sum();
    assert_eq!(done, 10);
    assert_eq!(kind.count(app.client()).await, 20);
}
