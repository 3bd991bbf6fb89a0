//! Statistics of all domains come to the exact counts, by query and by subscription. Those of customers are tried at length beside
//! them.

use serde_json::{Value, json};
use tests::{
    Setup, eventually,
    graphql::Client,
    people,
    records::STUDENTS,
    signals::{await_end, submit},
    waiting::SOON,
};

/// The statistics with the number of each group that has any, and the sums of all days.
async fn read(client: &Client, field: &str, groups: &str, days: &str) -> Value {
    let by = match groups {
        "" => String::new(),
        _ => format!(
            "by{}{} {{ {groups} count }}",
            groups[..1].to_uppercase(),
            &groups[1..]
        ),
    };
    let document = format!("{{ {field} {{ total {by} byDay {{ {days} }} }} }}");
    let answer = client.run(&document, json!({})).await;
    let found = &answer.data()[field];
    let mut read = json!({ "total": found["total"] });
    let all = found.as_object().expect("an object").values();
    for row in all.filter_map(Value::as_array).flatten() {
        match row[groups].as_str() {
            Some(group) if row["count"] != 0 => read[group] = row["count"].clone(),
            Some(_) => {}
            None => {
                for (name, count) in row.as_object().expect("an object") {
                    let sum = read[name].as_i64().unwrap_or(0) + count.as_i64().expect("a number");
                    read[name] = json!(sum);
                }
            }
        }
    }
    read
}

async fn become_so(client: &Client, field: &str, groups: &str, days: &str, expected: Value) {
    eventually(&format!("{field}: {expected}"), SOON, async || {
        (read(client, field, groups, days).await == expected).then_some(())
    })
    .await;
}

async fn students_are_counted(setup: Setup) {
    let app = setup.start_many(1, 2, &[]);
    let client = app.client();
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(STUDENTS.create(client, number).await["id"].clone());
    }
    let change = async |verb: &str, input: Value| STUDENTS.apply(client, verb, input).await;
    change("update", json!({ "id": ids[0], "status": "WITHDRAWN" })).await;
    change("update", json!({ "id": ids[0], "name": "Another" })).await;
    change("delete", json!({ "id": ids[1] })).await;
    change("delete", json!({ "id": ids[3] })).await;
    change("restore", json!({ "id": ids[3] })).await;
    let expected = json!({
        "total": 5, "ENROLLED": 1, "GRADUATED": 3, "WITHDRAWN": 1, "created": 6, "deleted": 2, "restored": 1,
    });
    become_so(
        client,
        "studentStatistics",
        "status",
        "created deleted restored",
        expected,
    )
    .await;
}

async fn users_and_chats_are_counted(setup: Setup) {
    let app = setup.start_many(1, 2, &[]);
    let client = app.client();
    let days = "registered deactivated reactivated";
    let mut before = Value::Null;
    let users = async || {
        let found = client
            .run("{ users(first: 1) { totalCount } }", json!({}))
            .await;
        found.data()["users"]["totalCount"].clone()
    };
    eventually("the users of the beginning", SOON, async || {
        before = read(client, "userStatistics", "role", days).await;
        (before["total"] == users().await).then_some(())
    })
    .await;
    let mut people = Vec::new();
    for name in ["Ada", "Bob", "Cid", "Dan"] {
        people.push(people::register(client, name).await);
    }
    people::set_role(client, &people[0].id, "STAFF")
        .await
        .data();
    people::set_role(client, &people[1].id, "STAFF")
        .await
        .data();
    people::set_role(client, &people[1].id, "MEMBER")
        .await
        .data();
    people::deactivate(client, Some(&people[0].id)).await.data();
    people::deactivate(client, Some(&people[2].id)).await.data();
    people::reactivate(client, &people[2].id).await.data();
    let mut expected = before.clone();
    for (name, more) in [
        ("total", 3),
        ("MEMBER", 3),
        ("registered", 4),
        ("deactivated", 2),
        ("reactivated", 1),
    ] {
        expected[name] = json!(expected[name].as_i64().unwrap_or(0) + more);
    }
    become_so(client, "userStatistics", "role", days, expected).await;
    let ada = people[1].client(client);
    for (kind, title) in [
        ("GROUP", json!("Tea")),
        ("DIRECT", Value::Null),
        ("GROUP", json!("Mill")),
    ] {
        let input = json!({ "kind": kind, "title": title, "memberIds": [people[3].id] });
        let document =
            "mutation($input: CreateChatInput!) { createChat(input: $input) { chat { id } } }";
        ada.run(document, json!({ "input": input })).await.data();
    }
    let expected = json!({ "total": 3, "GROUP": 2, "DIRECT": 1, "created": 3 });
    become_so(client, "chatStatistics", "kind", "created", expected).await;
}

async fn posts_and_signals_are_counted_and_followed(setup: Setup) {
    let app = setup.start_many(1, 2, &[]);
    let client = app.client();
    let mut socket = client.socket().await;
    let document = "subscription { postStatistics { total byDay { created deleted } } }";
    socket.subscribe("1", document, json!({})).await;
    let create = "mutation { createPost(input: { message: \"Hello\" }) { post { id } } }";
    let mut ids = Vec::new();
    for _ in 0..3 {
        let created = client.run(create, json!({})).await;
        ids.push(created.data()["createPost"]["post"]["id"].clone());
    }
    let like = "mutation($id: ID!) { likePost(input: { id: $id }) { post { id } } }";
    client.run(like, json!({ "id": ids[0] })).await.data();
    let delete = "mutation($id: ID!) { deletePost(input: { id: $id }) { post { version } } }";
    client.run(delete, json!({ "id": ids[1] })).await.data();
    let expected = json!({ "total": 2, "created": 3, "deleted": 1 });
    become_so(client, "postStatistics", "", "created deleted", expected).await;
    loop {
        let payload = socket.payload("1").await;
        if payload["data"]["postStatistics"]["total"] == 2 {
            let days = payload["data"]["postStatistics"]["byDay"].as_array();
            if days.is_some_and(|days| days.iter().any(|day| day["deleted"] == 1)) {
                break;
            }
        }
    }
    for value in [1.0, 2.0] {
        let signal = submit(client, "boiler", value).await;
        await_end(client, &signal["id"]).await;
    }
    let expected = json!({ "total": 2, "COMPLETED": 2, "submitted": 2 });
    become_so(client, "signalStatistics", "status", "submitted", expected).await;
}

tests::both_ways!(
    students_are_counted,
    users_and_chats_are_counted,
    posts_and_signals_are_counted_and_followed
);
