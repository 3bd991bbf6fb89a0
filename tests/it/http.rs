//! GraphQL over HTTP as clients without a library see it. The specification's audits run in `javascript`. What HTTP is made of is
//! the same both ways and runs embedded; what an answer says of the database runs both ways.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::http::{Connection, post, request};
use tests::{Setup, customers, eventually};

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

async fn statuses_follow_the_media_type(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let cases = [
        (json!({ "query": "{ __typename }" }), 200, 200),
        (json!({ "query": "{ __typename" }), 200, 400),
        (json!({ "query": "{ unknownField }" }), 200, 400),
        (
            json!({ "query": "query($id: ID!) { customer(id: $id) { id } }", "variables": {} }),
            200,
            400,
        ),
        // An error of a field is a result, in either type.
        (
            json!({ "query": customers::DELETE, "variables": { "input": { "id": "customer_01h455vb4pex5vsknk084sn02q" } } }),
            200,
            200,
        ),
    ];
    for (body, plain, strict) in cases {
        for (accept, status) in [("application/json", plain), (GRAPHQL_RESPONSE, strict)] {
            let answer = client
                .post(&body, &[("accept", accept)])
                .await
                .expect("an answer");
            let media_type = answer.http.header("content-type").unwrap_or_default();
            assert!(
                media_type.starts_with(accept),
                "{body} with {accept}: {media_type}"
            );
            assert_eq!(
                answer.status,
                status,
                "{body} with {accept}: {}",
                answer.http.text()
            );
        }
    }
}

async fn request_ids_are_kept_when_sane(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let body = json!({ "query": "{ unknownField }" });
    for own in ["abc", "A.b_c-9", &"x".repeat(64)] {
        let answer = client
            .post(&body, &[("x-request-id", own)])
            .await
            .expect("an answer");
        assert_eq!(answer.http.header("x-request-id"), Some(own));
        assert_eq!(answer.extensions()["requestId"], own);
    }
    let mut seen = Vec::new();
    for refused in ["two words", "quote\"", &"x".repeat(65), "a/b", ""] {
        let answer = client
            .post(&body, &[("x-request-id", refused)])
            .await
            .expect("an answer");
        let id = answer
            .http
            .header("x-request-id")
            .expect("an id")
            .to_owned();
        assert_ne!(id, refused);
        assert_eq!(id.len(), 36, "a UUID: {id}");
        assert_eq!(&id[14..15], "7", "of version 7: {id}");
        assert_eq!(answer.extensions()["requestId"], id.as_str());
        seen.push(id);
    }
    seen.dedup();
    assert_eq!(seen.len(), 5, "each request has its own");
    for path in [
        "/schema.graphql",
        "/health/live",
        "/health/ready",
        "/no/such/page",
    ] {
        let response = client.get(path, &[]).await;
        assert!(
            response.header("x-request-id").is_some(),
            "{path} has no request id"
        );
    }
}

async fn batches_are_refused(setup: Setup) {
    let app = setup.start();
    let head = app.client().head().await;
    let create = json!({ "query": customers::CREATE, "variables": { "input": { "name": "A", "email": "a@example.com" } } });
    let answer = app
        .client()
        .post(&json!([create, create]), &[])
        .await
        .expect("an answer");
    answer.expect_code("BATCHING_DISABLED");
    assert_eq!(answer.status, 400);
    assert_eq!(app.client().head().await, head, "nothing was written");
}

async fn get_answers_queries_only(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let found = client
        .get(
            "/graphql?query=%7B__typename%7D",
            &[("accept", GRAPHQL_RESPONSE)],
        )
        .await;
    assert_eq!(found.status, 200, "{}", found.text());
    assert!(
        found.text().contains("\"__typename\":\"Query\""),
        "{}",
        found.text()
    );
    let with_variables = "/graphql?query=query(%24id%3AID!)%7Bcustomer(id%3A%24id)%7Bid%7D%7D\
        &variables=%7B%22id%22%3A%22customer_01h455vb4pex5vsknk084sn02q%22%7D";
    let none = client.get(with_variables, &[]).await;
    assert!(none.text().contains("\"customer\":null"), "{}", none.text());
    let mutation = "/graphql?query=mutation%7BdeleteCustomer(input%3A%7Bid%3A%22x%22%7D)%7Bcustomer%7Bid%7D%7D%7D";
    let refused = client.get(mutation, &[("accept", GRAPHQL_RESPONSE)]).await;
    assert_eq!(refused.status, 405, "{}", refused.text());
    assert_eq!(refused.header("allow"), Some("POST"));
    let value: Value = serde_json::from_str(&refused.text()).expect("JSON");
    assert_eq!(
        value["errors"][0]["extensions"]["code"],
        "METHOD_NOT_ALLOWED"
    );
}

async fn pages_lead_to_graphiql(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let moved = client.get("/playground", &[]).await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (308, Some("/graphiql"))
    );
    let page = client.get("/graphiql", &[("accept", "text/html")]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html")),
        "{:?}",
        page.headers
    );
}

/// What only the app knows is its own to answer; programs are told that there is nothing.
async fn pages_of_the_app_have_addresses(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let browser = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
    for (path, accept, status) in [
        ("/", "*/*", 200),
        ("/", browser, 200),
        ("/customers", browser, 200),
        (
            "/customers/customer_01h455vb4pex5vsknk084sn02q",
            browser,
            200,
        ),
        ("/customers", "*/*", 404),
        ("/customers", "application/json, text/htmlx", 404),
        ("/no/such/file.js", browser, 404),
        ("/assets/none", browser, 404),
        ("/assets", browser, 404),
        ("/graphql/none", browser, 404),
        ("/health/none", browser, 404),
    ] {
        let answer = client.get(path, &[("accept", accept)]).await;
        assert_eq!(answer.status, status, "{path} for {accept}");
        let kind = answer.header("content-type").unwrap_or_default();
        assert_eq!(
            kind.starts_with("text/html"),
            status == 200,
            "{path}: {kind}"
        );
        if status == 200 {
            let policy = answer.header("content-security-policy").unwrap_or_default();
            assert!(policy.contains("script-src 'self';"), "{path}: {policy}");
        }
    }
    assert_eq!(client.get("/no/such/page", &[]).await.status, 404);
}

async fn health_tells_when_it_can_work(setup: Setup) {
    let app = setup.start();
    assert_eq!(app.client().get("/health/live", &[]).await.status, 200);
    eventually("it is ready", tests::waiting::SOON, async || {
        (app.client().get("/health/ready", &[]).await.status == 200).then_some(())
    })
    .await;
}

/// Also when those that come first take longest.
async fn fields_come_in_the_order_in_which_they_are_selected(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    customers::create(client, "Ada", "ada@example.com").await;
    let document = "query($search: String) { customers(first: 1) { totalCount nodes { version ...Names } } \
        me { role first: name } __typename everybody: users(first: 1, filter: { search: $search }) { nodes { name id } } } \
        fragment Names on Customer { history(first: 1) { nodes { version type } } name id }";
    for _ in 0..20 {
        let answer = client.run(document, json!({ "search": "a" })).await;
        answer.data();
        let text = answer.http.text();
        let keys = [
            "customers",
            "totalCount",
            "nodes",
            "version",
            "history",
            "nodes",
            "version",
            "type",
            "name",
            "id",
            "me",
            "role",
            "first",
            "__typename",
            "everybody",
            "nodes",
            "name",
            "id",
        ];
        let mut rest = text.as_str();
        for key in keys {
            let at = rest.find(&format!("\"{key}\":"));
            rest = &rest[at.unwrap_or_else(|| panic!("{key} is elsewhere: {text}"))..][1..];
        }
    }
}

async fn connections_are_kept(setup: Setup) {
    let app = setup.start();
    let mut connection = Connection::open(app.address()).await.expect("a connection");
    let body = br#"{"query":"{ __typename }"}"#;
    for _ in 0..3 {
        let response = connection
            .send(&post("/graphql", &[], body))
            .await
            .expect("an answer");
        assert_eq!(response.status, 200);
    }
    let options = connection
        .send(&request("OPTIONS", "/graphql", &[]))
        .await
        .expect("an answer");
    assert!(options.status < 500, "{}", options.status);
}

/// Pages of allowed origins may read answers; for all others the browser keeps them back, as it is told of none.
async fn allowed_origins_may_read_answers(setup: Setup) {
    const OURS: &str = "https://app.example.org";
    let listed = format!("{OURS}/,https://other.example.org");
    let app = setup.start_many(1, 0, &["--allowed-origins", &listed]);
    let body = br#"{"query":"{ __typename }"}"#;
    let mut connection = Connection::open(app.address()).await.expect("a connection");
    let mut send = async |request: Vec<u8>| connection.send(&request).await.expect("an answer");
    for (origin, told) in [(OURS, Some(OURS)), ("https://evil.example", None)] {
        let asked = "authorization,content-type,idempotency-key,read-after";
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", asked),
        ];
        let preflight = send(request("OPTIONS", "/graphql", &headers)).await;
        assert!(preflight.status < 300, "{}", preflight.status);
        assert_eq!(preflight.header("access-control-allow-origin"), told);
        assert_eq!(
            preflight.header("access-control-allow-headers"),
            Some(asked)
        );
        let answer = send(post("/graphql", &[("origin", origin)], body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("access-control-allow-origin"), told);
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some("x-request-id,retry-after,ratelimit,ratelimit-policy,date")
        );
        // Caches are told that answers differ.
        let vary = answer.header("vary").unwrap_or_default().to_lowercase();
        assert!(vary.contains("origin"), "{vary}");
    }
    // Of a SQLite file one gateway is the sole one.
    drop(app);
    let own = setup.gateway(&[]);
    let mut connection = Connection::open(own.address).await.expect("a connection");
    let request = post("/graphql", &[("origin", OURS)], body);
    let answer = connection.send(&request).await.expect("an answer");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

/// In production nobody is shown the schema.
async fn production_keeps_the_schema_back(setup: Setup) {
    let app = setup.start_many(1, 0, &["--production"]);
    let client = app.client();
    let found = client.get("/schema.graphql", &[]).await;
    assert_eq!(found.status, 404, "{}", found.text());
    let introspection = "{ __schema { queryType { name } } }";
    let asked = client.run(introspection, json!({})).await;
    assert_ne!(asked.body["data"]["__schema"]["queryType"]["name"], "Query");
}

/// A failure that is not the caller's is told with an id only, under which the log has the cause.
async fn failures_are_logged_under_the_request_id(setup: Setup) {
    let app = setup.start();
    let database = setup.database().await;
    let rename = "alter table customer rename to no_longer_there";
    database
        .execute_unprepared(rename)
        .await
        .expect("an update");
    let body = json!({ "query": "{ customers(first: 1) { totalCount } }" });
    let own = "an-id-to-look-for";
    let client = app.client();
    let answer = client.post(&body, &[("x-request-id", own)]).await;
    let answer = answer.expect("an answer");
    answer.expect_code("INTERNAL");
    assert!(
        !answer.http.text().contains("customer "),
        "no cause is told"
    );
    let log = app.gateways[0].process.log();
    let mut lines = log.lines().filter(|line| line.contains(own));
    let line = lines.find(|line| line.contains("a request failed"));
    assert!(line.is_some_and(|line| line.contains("customer")), "{log}");
}

tests::both_ways!(
    failures_are_logged_under_the_request_id,
    health_tells_when_it_can_work
);
tests::embedded!(
    allowed_origins_may_read_answers,
    production_keeps_the_schema_back,
    statuses_follow_the_media_type,
    request_ids_are_kept_when_sane,
    batches_are_refused,
    get_answers_queries_only,
    pages_lead_to_graphiql,
    pages_of_the_app_have_addresses,
    fields_come_in_the_order_in_which_they_are_selected,
    connections_are_kept
);
