//! Answers as the GraphQL specification has them, through the real schema: what is selected twice, variables that are left out, conditions,
//! nulls. Whole families of these are compared with graphql-js in `gateway/src/document/oracle`. None depends on the store, so this runs
//! embedded.

use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::http::{Connection, post};
use tests::{Setup, customers, people};

const DOOR: &str = "GRAPHQL_VALIDATION_FAILED";

async fn text(client: &Client, document: &str, variables: Value) -> String {
    let answer = client.run(document, variables).await;
    assert!(!answer.body["data"].is_null(), "{}", answer.http.text());
    let text = answer.http.text();
    let end = text.rfind(",\"extensions\"").expect("extensions");
    let end = text.find(",\"errors\"").unwrap_or(end);
    text[..end].to_owned()
}

/// The data of an answer, without its text's order, and the codes of its errors.
async fn outcome(client: &Client, document: &str, variables: Value) -> (Value, Vec<String>) {
    let answer = client.run(document, variables).await;
    (answer.body["data"].clone(), codes(&answer))
}

fn codes(answer: &Answer) -> Vec<String> {
    let errors = answer.body["errors"].as_array().into_iter().flatten();
    let codes = errors.map(|error| {
        error["extensions"]["code"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    });
    codes.collect()
}

async fn what_is_selected_twice_is_done_once(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let before = client.head().await;
    let document = "mutation { createPost(input: { message: \"x\" }) { post { id } } ...M }
        fragment M on Mutation { createPost(input: { message: \"x\" }) { post { version } } }";
    let data = client.run(document, json!({})).await;
    let post = &data.data()["createPost"]["post"];
    assert!(post["id"].is_string() && post["version"] == 1, "{post}");
    let expected = client.head_after(&before, 1).await;
    assert_eq!(client.head().await, expected, "one post");
    let document = "mutation($i: SubmitSignalInput!) { submitSignal(input: $i) { signal { id } } submitSignal(input: $i) { signal { number } } }";
    let before = client.head().await;
    let signal = client
        .run(document, json!({ "i": { "source": "x", "value": 1.5 } }))
        .await;
    let fields = signal.data()["submitSignal"]["signal"].as_object().cloned();
    assert_eq!(fields.map(|fields| fields.len()), Some(2));
    let at_least = client.head_after(&before, 1).await;
    assert_ne!(at_least, before);
    let signals = client
        .run("{ signals(first: 5) { totalCount } }", json!({}))
        .await;
    assert_eq!(signals.data()["signals"]["totalCount"], 1);
    customers::create(client, "Ada", "ada@example.com").await;
    let merged = "{ ...A ...B } fragment A on Query { customers(first: 10) { nodes { id name } } }
        fragment B on Query { customers(first: 10) { nodes { email name } } }";
    let found = text(client, merged, json!({})).await;
    assert!(
        found.contains("\"name\":\"Ada\",\"email\":\"ada@example.com\"}]"),
        "{found}"
    );
}

async fn what_conflicts_is_refused(setup: Setup) {
    let app = setup.start();
    for document in [
        "{ customers(first: 1) { nodes { id } } ...F } fragment F on Query { customers(first: 5) { nodes { name } } }",
        "{ customers(first: 1) { nodes { x: id } } customers(first: 1) { nodes { x: name } } }",
        "{ me { x: id ...F } } fragment F on User { x: history { nodes { type } } }",
        "mutation { createPost(input: { message: \"x\" }) { post { id } } createPost(input: { message: \"y\" }) { post { id } } }",
    ] {
        let answer = app.client().run(document, json!({})).await;
        assert_eq!(answer.body.get("data"), None, "{document}");
        assert!(
            codes(&answer).iter().all(|code| code == DOOR),
            "{document}: {}",
            answer.body
        );
    }
}

async fn what_is_not_given_is_not_null(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let create = "mutation($n: String!, $e: String!, $p: String, $st: CustomerStatus) {
        createCustomer(input: { name: $n, email: $e, phone: $p, status: $st }) { customer { id phone status } } }";
    let given = json!({ "n": "Ada", "e": "ada@example.com", "p": "+44 1" });
    let created = client.run(create, given).await;
    let customer = created.data()["createCustomer"]["customer"].clone();
    assert_eq!(customer["status"], "PROSPECT", "the schema's default");
    let id = &customer["id"];
    let update = "mutation($id: ID!, $name: String!, $phone: String) {
        updateCustomer(input: { id: $id, name: $name, phone: $phone }) { customer { phone } } }";
    let kept = client
        .run(update, json!({ "id": id, "name": "Ada L." }))
        .await;
    assert_eq!(kept.data()["updateCustomer"]["customer"]["phone"], "+44 1");
    let cleared = client
        .run(update, json!({ "id": id, "name": "Ada L.", "phone": null }))
        .await;
    assert_eq!(
        cleared.data()["updateCustomer"]["customer"]["phone"],
        Value::Null
    );
    let trends = "query($n: Int) { trendingPosts(window: DAY, first: $n) { score } }";
    let found = client.run(trends, json!({})).await;
    assert!(found.data()["trendingPosts"].is_array());
    // Null is given: the field fails, which may be null itself.
    let (data, told) = outcome(client, trends, json!({ "n": null })).await;
    assert_eq!((data, told.len()), (json!({ "trendingPosts": null }), 1));
    let deleted =
        "query($d: Boolean) { customers(filter: { phone: { isNull: $d } }) { totalCount } }";
    assert_eq!(
        client.run(deleted, json!({})).await.data()["customers"]["totalCount"],
        1
    );
    let number = "query($n: Int! = 2) { customers(first: $n) { totalCount } }";
    for refused in [
        json!({ "n": null }),
        json!({ "n": 1.5 }),
        json!({ "n": "1" }),
    ] {
        let answer = client.run(number, refused).await;
        assert_eq!(
            (answer.body.get("data"), codes(&answer)),
            (None, vec![DOOR.to_owned()])
        );
    }
    for taken in [
        json!({}),
        json!({ "n": 1.0 }),
        json!({ "n": 1, "unknown": 2 }),
    ] {
        client.run(number, taken).await.data();
    }
}

async fn conditions_see_defaults(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let query = "query($w: Boolean = true) { me { name email @include(if: $w) } }";
    let shown = client.run(query, json!({})).await;
    assert!(shown.data()["me"]["email"].is_string());
    let hidden = client.run(query, json!({ "w": false })).await;
    assert_eq!(hidden.data()["me"].get("email"), None);
    let before = client.head().await;
    let mutation = "mutation($dry: Boolean = true, $i: CreatePostInput!) { createPost(input: $i) @skip(if: $dry) { post { id } } }";
    let skipped = client
        .run(mutation, json!({ "i": { "message": "x" } }))
        .await;
    assert_eq!(skipped.data(), &json!({}));
    assert_eq!(client.head().await, before, "nothing was done");
}

async fn what_fails_is_null_and_takes_nothing_along(setup: Setup) {
    let app = setup.start();
    let member = people::register(&app.client().anonymous(), "Grace").await;
    let client = member.client(app.client());
    let forbidden = || vec!["FORBIDDEN".to_owned()];
    let asked = "{ me { name } customers(first: 1) { nodes { id } } }";
    let expected = json!({ "me": { "name": "Grace" }, "customers": null });
    assert_eq!(
        outcome(&client, asked, json!({})).await,
        (expected, forbidden())
    );
    let asked = "{ customers(first: 1) { nodes { id } } }";
    assert_eq!(
        outcome(&client, asked, json!({})).await,
        (json!({ "customers": null }), forbidden())
    );
    let asked = "mutation { setAvailability(input: { availability: BUSY }) { user { name } } deleteCustomer(input: { id: \"x\" }) { customer { id } } }";
    let (data, told) = outcome(&client, asked, json!({})).await;
    assert_eq!(
        data,
        json!({ "setAvailability": { "user": { "name": "Grace" } }, "deleteCustomer": null })
    );
    assert_eq!(told.len(), 1);
    let asked = "{ users(first: 2, sort: { field: NAME }) { nodes { name history(first: 1) { nodes { type } } } } }";
    let (data, told) = outcome(&client, asked, json!({})).await;
    let nodes = data["users"]["nodes"].as_array().cloned().expect("nodes");
    assert!(
        nodes.len() == 2 && nodes.iter().all(|node| node["name"].is_string()),
        "{data}"
    );
    assert!(nodes.iter().any(|node| node["history"].is_null()), "{data}");
    assert_eq!(told, forbidden());
}

async fn where_nothing_is_selected_there_is_an_empty_object(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let table = [
        (
            "{ me { name @skip(if: true) } }",
            json!({}),
            "{\"data\":{\"me\":{}}",
        ),
        (
            "{ users(first: 2) { nodes { name @skip(if: true) } } }",
            json!({}),
            "{\"data\":{\"users\":{\"nodes\":[{}]}}",
        ),
        ("{ me @skip(if: true) { name } }", json!({}), "{\"data\":{}"),
        (
            "query($i: ID!) { node(id: $i) { ... on Post { message } } }",
            json!({ "i": setup.admin().id }),
            "{\"data\":{\"node\":{}}",
        ),
        (
            "query($i: ID!) { node(id: $i) { ... on User { __typename } ... on Node { x: __typename } } }",
            json!({ "i": setup.admin().id }),
            "{\"data\":{\"node\":{\"__typename\":\"User\",\"x\":\"User\"}}",
        ),
        (
            "mutation { createPost(input: { message: \"x\" }) { post @skip(if: true) { id } } }",
            json!({}),
            "{\"data\":{\"createPost\":{}}",
        ),
    ];
    for (document, variables, expected) in table {
        assert_eq!(
            text(client, document, variables).await,
            expected,
            "{document}"
        );
    }
}

async fn requests_are_read_as_clients_write_them(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    customers::create(client, "Smile \u{1F600} a \"\"\" b", "ada@example.com").await;
    for search in [
        "\"\\uD83D\\uDE00\"",
        "\"\\u{1F600}\"",
        "\"\u{1F600}\"",
        "\"\"\"a \\\"\"\" b\"\"\"",
    ] {
        let document = format!("{{ customers(filter: {{ search: {search} }}) {{ totalCount }} }}");
        let found = client.run(&document, json!({})).await;
        assert_eq!(found.data()["customers"]["totalCount"], 1, "{search}");
    }
    let mut connection = Connection::open(app.address()).await.expect("a connection");
    let mut send = async |path: &str, body: &str| {
        let response = connection
            .send(&post(path, &[], body.as_bytes()))
            .await
            .expect("an answer");
        (response.status, response.text())
    };
    for (path, body) in [
        ("/graphql", r#"{"query":"{__typename}","operationName":""}"#),
        ("/graphql", "\u{FEFF}{\"query\":\"{__typename}\"}"),
        ("/graphql/", r#"{"query":"\uFEFF{__typename}"}"#),
    ] {
        let (status, text) = send(path, body).await;
        assert_eq!(status, 200, "{body}: {text}");
        assert!(
            text.starts_with("{\"data\":{\"__typename\":\"Query\"}"),
            "{body}: {text}"
        );
    }
    let hash = "a".repeat(64);
    let persisted =
        format!(r#"{{"extensions":{{"persistedQuery":{{"version":1,"sha256Hash":"{hash}"}}}}}}"#);
    let (_, text) = send("/graphql", &persisted).await;
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(
        answer["errors"][0]["extensions"]["code"],
        "PERSISTED_QUERY_NOT_FOUND"
    );
    let target = "/graphql?extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%7D%7D";
    assert!(
        client
            .get(target, &[])
            .await
            .text()
            .contains("must have a `sha256Hash`")
    );
}

async fn what_databases_read_is_priced(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let many = |count: usize, field: &str| {
        let fields: Vec<_> = (0..count).map(|at| format!("a{at}: {field}")).collect();
        format!("query($s: String, $f: CustomerFilter) {{ {} x: customers(first: 1, filter: {{ search: $s }}) {{ nodes {{ id }} }}
            y: customers(first: 1, filter: $f) {{ nodes {{ id }} }} }}", fields.join(" "))
    };
    // Within lists, too.
    let within = "customers(filter: { and: [$g] }, first: 1) { totalCount }";
    let within = format!(
        "query($g: CustomerFilter!) {{ {} }}",
        (0..8)
            .map(|at| format!("a{at}: {within} "))
            .collect::<String>()
    );
    let anyone = json!({ "g": { "name": { "eq": "q" } } });
    client.run(&within, anyone).await.data();
    let searched = json!({ "g": { "or": [{ "search": "q" }, { "search": "r" }] } });
    let refused = client.run(&within, searched).await;
    refused.expect_code("LIMIT_EXCEEDED");
    let search = "customers(filter: { search: \"q\" }, first: 1) { totalCount }";
    let refused = client.run(&many(45, search), json!({})).await;
    let error = refused.expect_code("LIMIT_EXCEEDED");
    assert_eq!(error["limit"], "complexity");
    client
        .run(
            &many(3, search),
            json!({ "s": "q", "f": { "search": "q" } }),
        )
        .await
        .data();
    // What variables hold costs as much as what is written.
    let by_variable = many(7, search);
    client.run(&by_variable, json!({})).await.data();
    let refused = client
        .run(&by_variable, json!({ "s": "q", "f": { "search": "q" } }))
        .await;
    refused.expect_code("LIMIT_EXCEEDED");
    let pages =
        "query($n: Int) { posts(first: $n) { nodes { comments(first: $n) { nodes { text } } } } }";
    client.run(pages, json!({ "n": 20 })).await.data();
    client
        .run(pages, json!({ "n": 100 }))
        .await
        .expect_code("LIMIT_EXCEEDED");
}

/// As an `<img>` of another site sends it.
async fn other_sites_cannot_get(setup: Setup) {
    let app = setup.start_many(1, 0, &["--allowed-origins", "https://app.example.org"]);
    let client = app.client();
    let target = "/graphql?query=%7B__typename%7D";
    for (headers, status) in [
        (
            vec![
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "no-cors"),
            ],
            403,
        ),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("origin", "https://evil.example")], 403),
        (
            vec![("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
            200,
        ),
        (vec![("sec-fetch-site", "same-origin")], 200),
        (
            vec![
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://app.example.org"),
            ],
            200,
        ),
        (vec![], 200),
    ] {
        let answer = client.get(target, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
    }
    let page = client
        .get(
            "/graphiql",
            &[("sec-fetch-site", "cross-site"), ("accept", "text/html")],
        )
        .await;
    assert_eq!(page.status, 200);
}

tests::embedded!(
    what_is_selected_twice_is_done_once,
    what_conflicts_is_refused,
    what_is_not_given_is_not_null,
    conditions_see_defaults,
    what_fails_is_null_and_takes_nothing_along,
    where_nothing_is_selected_there_is_an_empty_object,
    requests_are_read_as_clients_write_them,
    what_databases_read_is_priced,
    other_sites_cannot_get
);
