//! Submitting, reading and listing signals.

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::signals::{await_end, find, send, submit};
use tests::{Setup, ids, people};

async fn listed(client: &Client, arguments: &str) -> Value {
    let document = format!(
        "{{ signals({arguments}) {{ totalCount pageInfo {{ hasNextPage hasPreviousPage endCursor startCursor }} \
         nodes {{ id source number status }} }} }}"
    );
    client.run(&document, json!({})).await.data()["signals"].clone()
}

fn numbers(list: &Value) -> Vec<i64> {
    let nodes = list["nodes"].as_array().expect("nodes").iter();
    nodes
        .map(|node| node["number"].as_i64().expect("a number"))
        .collect()
}

async fn bad_input_is_told_and_changes_nothing(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let violated = async |source: &str, value: f64| {
        let answer = send(client, source, value, None).await;
        let violations = answer.expect_code("VALIDATION")["violations"].clone();
        let violations = violations.as_array().expect("violations").clone();
        let names = violations
            .iter()
            .map(|it| format!("{}:{}", it["field"], it["code"]));
        names.collect::<Vec<_>>().join(" ").replace('"', "")
    };
    assert_eq!(violated("  ", 1.0).await, "source:length");
    assert_eq!(violated(&"x".repeat(101), 1.0).await, "source:length");
    assert_eq!(
        violated("a\u{7}", 1e101).await,
        "source:characters value:range"
    );
    // What GraphQL itself refuses: no number that is not one.
    let literal = |value: &str| {
        format!(
            "mutation {{ submitSignal(input: {{ source: \"a\", value: {value} }}) {{ signal {{ id }} }} }}"
        )
    };
    for value in ["NaN", "\"1\"", "null", "1e999"] {
        let answer = client.run(&literal(value), json!({})).await;
        assert!(answer.code().is_some(), "{value}: {}", answer.http.text());
    }
    assert_eq!(listed(client, "first: 1").await["totalCount"], 0);
    // Whole numbers are numbers, and names are trimmed.
    let answer = client.run(&literal("7"), json!({})).await;
    answer.data();
    let signal = submit(client, "  a ", -0.0).await;
    assert_eq!(signal["source"], "a");
    assert_eq!(signal["number"], 2);
    assert_eq!(signal["value"], 0.0);
}

async fn signals_are_found_and_listed(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut all = Vec::new();
    for number in 0..6 {
        let source = if number % 2 == 0 { "even" } else { "odd" };
        all.push(submit(client, source, f64::from(number)).await);
    }
    for signal in &all {
        await_end(client, &signal["id"]).await;
    }
    let newest = listed(client, "first: 4").await;
    assert_eq!(newest["totalCount"], 6);
    assert_eq!(numbers(&newest), [3, 3, 2, 2]);
    assert_eq!(newest["pageInfo"]["hasNextPage"], true);
    let rest = listed(
        client,
        &format!("first: 4, after: {}", newest["pageInfo"]["endCursor"]),
    )
    .await;
    assert_eq!(numbers(&rest), [1, 1]);
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
    let before = format!("last: 2, before: {}", rest["pageInfo"]["startCursor"]);
    assert_eq!(numbers(&listed(client, &before).await), [2, 2]);

    let odd = listed(
        client,
        "filter: { source: { eq: \"odd\" }, status: { eq: COMPLETED } }",
    )
    .await;
    assert_eq!(numbers(&odd), [3, 2, 1]);
    assert_eq!(
        listed(client, "filter: { status: { eq: PARTIAL } }").await["totalCount"],
        0
    );
    assert_eq!(
        listed(client, "filter: { source: { eq: \"ODD\" } }").await["totalCount"],
        0
    );
    let ada = people::register(client, "Ada").await;
    submit(&ada.client(client), "hers", 1.0).await;
    for (filter, total) in [
        (format!("eq: {}", json!(ada.id)), 1),
        (format!("in: [{}]", json!(setup.admin().id)), 6),
        (
            format!("in: [{}, {}]", json!(ada.id), json!(setup.admin().id)),
            7,
        ),
        ("eq: \"Ada\"".to_owned(), 0),
        ("in: []".to_owned(), 0),
    ] {
        let filter = format!("filter: {{ submittedBy: {{ {filter} }} }}");
        assert_eq!(
            listed(client, &filter).await["totalCount"],
            total,
            "{filter}"
        );
    }
    let wrong = client
        .run("{ signals(after: \"x\") { nodes { id } } }", json!({}))
        .await;
    wrong.expect_code("CURSOR_INVALID");

    let id = &all[0]["id"];
    let document = "query($id: ID!) { node(id: $id) { id ... on Signal { status history(first: 100) { nodes { \
        type version actor { name ... on User { id } } } } } } }";
    let node = client.run(document, json!({ "id": id })).await.data()["node"].clone();
    assert_eq!((&node["id"], &node["status"]), (id, &json!("COMPLETED")));
    let history = node["history"]["nodes"].as_array().expect("a history");
    assert_eq!(history[0]["type"], "SignalSubmitted");
    assert_eq!(history.last().expect("an event")["type"], "SignalNotified");
    assert_eq!(history.len(), 7);
    let nobody = ids::global_id("signal", 0x0193_8c5e_7f2a_7bcd_8ef0_1234_5678_9abc);
    assert_eq!(find(client, &json!(nobody)).await, Value::Null);
    let other = ids::global_id("customer", 1);
    assert_eq!(find(client, &json!(other)).await, Value::Null);
}

/// A repeat under a key gets the first answer, and no second signal.
async fn a_repeat_is_a_repeat(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let first = send(app.client(), "a", 1.25, Some("key")).await;
    for gateway in &app.gateways {
        let again = send(&gateway.client, "a", 1.25, Some("key")).await;
        assert_eq!(again.data(), first.data());
    }
    let other = send(app.client(), "a", 1.5, Some("key")).await;
    other.expect_code("IDEMPOTENCY_KEY_REUSED");
    assert_eq!(submit(app.client(), "a", 1.5).await["number"], 2);
}

/// Many at once, over all gateways: the numbers of a source have no gaps, and every signal ends.
async fn numbers_of_a_source_have_no_gaps(setup: Setup) {
    let app = setup.start_many(2, 2, &[]);
    let clients = app.clients();
    let submissions = (0..60).map(|number| {
        let client = &clients[number % clients.len()];
        async move {
            let source = if number % 3 == 0 { "rare" } else { "busy" };
            submit(client, source, number as f64).await
        }
    });
    let signals = futures::future::join_all(submissions).await;
    for (source, count) in [("busy", 40), ("rare", 20)] {
        let of_source = signals.iter().filter(|signal| signal["source"] == source);
        let mut numbers: Vec<_> = of_source
            .map(|it| it["number"].as_i64().expect("one"))
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    }
    for signal in &signals {
        let ended = await_end(&clients[0], &signal["id"]).await;
        assert_eq!(ended["status"], "COMPLETED");
    }
}

tests::both_ways!(
    a_repeat_is_a_repeat,
    bad_input_is_told_and_changes_nothing,
    numbers_of_a_source_have_no_gaps,
    signals_are_found_and_listed,
);
