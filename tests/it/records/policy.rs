//! Who may read and write records of a kind: those of its role, and no others.

use serde_json::{Value, json};
use tests::{Setup, people, records::Kind};

pub(super) async fn only_the_role_that_may_reads_and_writes(setup: Setup, kind: &Kind) {
    let app = setup.start();
    let admin = app.client();
    let record = kind.create(admin, 1).await;
    let member = people::with_role(admin, "MEMBER").await.client(admin);
    let (one, many) = (kind.one, kind.many);
    for (client, code) in [
        (admin.anonymous(), "UNAUTHENTICATED"),
        (member, "FORBIDDEN"),
    ] {
        let find = format!("query($id: ID!) {{ {one}(id: $id) {{ id }} }}");
        for (document, variables) in [
            (find, json!({ "id": record["id"] })),
            (
                format!("{{ {many} {{ edges {{ node {{ id }} }} }} }}"),
                json!({}),
            ),
            (format!("{{ {many} {{ totalCount }} }}"), json!({})),
        ] {
            client.run(&document, variables).await.expect_code(code);
        }
        // By an id of any type, there is nothing for them.
        let node = "query($id: ID!) { node(id: $id) { id } }";
        let node = client.run(node, json!({ "id": record["id"] })).await;
        match code {
            "FORBIDDEN" => assert_eq!(node.data()["node"], Value::Null),
            code => drop(node.expect_code(code)),
        }
        for (verb, input) in [
            ("create", (kind.new)(2)),
            ("update", json!({ "id": record["id"], kind.text: "Mine" })),
            ("delete", json!({ "id": record["id"] })),
        ] {
            kind.send(&client, verb, input).await.expect_code(code);
        }
    }
    assert_eq!(
        kind.find(admin, &record["id"]).await,
        record,
        "nothing was changed"
    );

    let member = people::with_role(admin, "MEMBER").await.client(admin);
    let mut socket = member.socket().await;
    socket.subscribe("1", &kind.changes(), json!({})).await;
    let refused = socket.message().await;
    let errors = match refused["type"].as_str() {
        Some("error") => &refused["payload"],
        _ => &refused["payload"]["errors"],
    };
    assert_eq!(errors[0]["extensions"]["code"], "FORBIDDEN", "{refused}");

    let allowed = people::with_role(admin, kind.role).await.client(admin);
    let changed = kind.set_text(&allowed, &record["id"], "Theirs").await;
    assert_eq!(changed["version"], 2);
    assert_ne!(kind.find(&allowed, &record["id"]).await, Value::Null);
}
