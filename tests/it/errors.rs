//! The shape of errors, from real requests, as a page that client authors can read: `UPDATE_EXPECT=1 tests/run errors::` writes it. What only
//! a fault brings about is missing; it is in `faults`, `retention` and `deploys`. Errors depend on neither way to run, so it runs embedded.

use expect_test::expect_file;
use serde_json::{Value, json};
use tests::customers::{CHANGES, CREATE, DELETE, UPDATE};
use tests::graphql::{Answer, Client};
use tests::http::{post, request};
use tests::people::register;
use tests::socket::{Frame, Socket};
use tests::{Setup, customers};
use tokio_tungstenite::tungstenite::Message;

const STRICT: (&str, &str) = ("accept", "application/graphql-response+json");
const CONTENT: (&str, &str) = ("content-type", "application/json");
const NOBODY: &str = "customer_01h455vb4pex5vsknk084sn02q";

const HEAD: &str = "# Errors as they are answered

Each line is a real request of a test that keeps this page current, and its answer to a client that accepts
`application/graphql-response+json`. Every error has `extensions.code` and `extensions.requestId`; the last column has the other extensions.
[Errors](errors.md) says what the codes mean. Those that need something to fail are not here: `TIMEOUT`, `UNAVAILABLE`, `INTERNAL`,
`CURSOR_EXPIRED`, `EVENT_UNREADABLE` and `READ_AFTER_TIMEOUT`.
";

/// The page as far as it is written.
struct Page {
    text: String,
    client: Client,
}

impl Page {
    fn table(&mut self, title: &str, about: &str, columns: &[&str]) {
        let line = "| --- ".repeat(columns.len());
        let columns = columns.join(" | ");
        self.text += &format!("\n## {title}\n\n{about}\n\n| {columns} |\n{line}|\n");
    }

    /// An error with the HTTP status, or the kind of message, that it came with.
    fn error(&mut self, what: &str, came: &str, error: &Value) {
        let mut extensions = error["extensions"].clone();
        let others = extensions.as_object_mut();
        let others = others.unwrap_or_else(|| panic!("{what}: an error: {error}"));
        assert!(others.remove("requestId").is_some_and(|it| it.is_string()));
        let code = others.remove("code").expect("a code");
        if let Some(seconds) = others.get_mut("retryAfterSeconds") {
            assert!(seconds.is_u64());
            *seconds = "…".into();
        }
        let others = match others.is_empty() {
            true => String::new(),
            false => format!("`{extensions}`"),
        };
        let (code, message) = (code.as_str(), error["message"].as_str());
        let (code, message) = (code.expect("a code"), message.expect("a message"));
        let message = message.replace('|', "\\|").replace('\n', " ");
        self.text += &format!("| {what} | {came} | `{code}` | {message} | {others} |\n");
    }

    fn answer(&mut self, what: &str, answer: &Answer) {
        let error = answer.body["errors"][0].clone();
        self.error(what, &answer.status.to_string(), &error);
    }

    async fn run(&mut self, what: &str, client: &Client, document: &str, variables: Value) {
        let answer = client.run_with(document, variables, &[STRICT]).await;
        self.answer(what, &answer);
    }

    /// Any bytes, on a connection of their own: the gateway closes some of them.
    async fn raw(&mut self, what: &str, bytes: &[u8]) {
        let client = Client::new(self.client.address);
        let client = client.signed_in_as(self.client.token().expect("a token"));
        let response = client.send(&client.signed(bytes)).await.expect("an answer");
        let body: Value = serde_json::from_slice(&response.body)
            .unwrap_or_else(|_| panic!("{what}: {}", response.text()));
        self.error(what, &response.status.to_string(), &body["errors"][0]);
    }

    /// The end of a socket.
    async fn end(&mut self, what: &str, mut socket: Socket) {
        loop {
            match socket.receive().await {
                Frame::Message(_) => {}
                Frame::Closed { code, reason } => {
                    self.text += &format!("| {what} | {code} | {reason} |\n");
                    return;
                }
                Frame::Cut(error) => panic!("{what}: {error}"),
            }
        }
    }
}

async fn errors_are_as_documented(mut setup: Setup) {
    setup.settings.leave("MILLRACE_INIT_TIMEOUT");
    setup
        .settings
        .set("MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT", "2");
    let app = setup.start();
    let client = app.client().clone();
    let mut page = Page {
        text: HEAD.to_owned(),
        client: client.clone(),
    };
    requests(&mut page).await;
    documents(&mut page).await;
    domains(&mut page).await;
    callers(&mut page).await;
    sockets(&mut page).await;
    expect_file!["../../docs/client/error-shapes.md"].assert_eq(&page.text);
}

const COLUMNS: &[&str] = &["what was sent", "status", "code", "message", "extensions"];

async fn requests(page: &mut Page) {
    page.table(
        "The request",
        "The body, the method, the media types: nothing is executed.",
        COLUMNS,
    );
    let body = json!({ "query": "{ __typename }" }).to_string();
    let body = body.as_bytes();
    let as_json = |body: &[u8]| post("/graphql", &[STRICT], body);
    page.raw("a body that is no JSON", &as_json(b"query { me }"))
        .await;
    page.raw("a body without a document", &as_json(b"{}")).await;
    page.raw("a batch", &as_json(b"[{\"query\":\"{ __typename }\"}]"))
        .await;
    let hash = "0".repeat(64);
    let hashed =
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
    page.raw(
        "only the hash of a document",
        &as_json(hashed.to_string().as_bytes()),
    )
    .await;
    // The gateway does not wait for the body.
    let length = ("content-length", "2097152");
    let large = request("POST", "/graphql", &[CONTENT, length, STRICT]);
    page.raw("a body of two megabytes", &large).await;
    let text = post("/graphql", &[("content-type", "text/plain")], body);
    page.raw("`content-type: text/plain`", &text).await;
    let html = post("/graphql", &[("accept", "text/html")], body);
    page.raw("`accept: text/html`", &html).await;
    page.raw("`PATCH`", &request("PATCH", "/graphql", &[STRICT]))
        .await;
    let mutation = "/graphql?query=mutation%7BsignOut%7B__typename%7D%7D";
    page.raw("a mutation by `GET`", &request("GET", mutation, &[STRICT]))
        .await;
}

async fn documents(page: &mut Page) {
    page.table(
        "The document",
        "It is refused before it is executed.",
        COLUMNS,
    );
    let client = page.client.clone();
    for (what, document) in [
        ("an open brace", "{ customers"),
        ("a field that is not there", "{ nobody }"),
        (
            "a variable that is missing",
            "query($id: ID!) { customer(id: $id) { id } }",
        ),
        (
            "pages of 10,000 events",
            "{ customers(first: 100) { nodes { history(first: 100) { nodes { cursor type } } } } }",
        ),
    ] {
        page.run(what, &client, document, json!({})).await;
    }
    let aliases: Vec<String> = (0..60).map(|at| format!("a{at}: __typename")).collect();
    let document = format!("{{ {} }}", aliases.join(" "));
    page.run("60 root fields", &client, &document, json!({}))
        .await;
}

async fn domains(page: &mut Page) {
    page.table(
        "The input",
        "A field of the answer is null, and has this error.",
        COLUMNS,
    );
    let client = page.client.clone();
    let ada = json!({ "name": "Ada", "email": "ada@example.com" });
    let created = customers::apply(&client, "create", ada.clone()).await;
    for (what, document, input) in [
        (
            "values that break rules",
            CREATE,
            json!({ "name": "", "email": "none" }),
        ),
        ("an address that is taken", CREATE, ada.clone()),
        (
            "another version",
            UPDATE,
            json!({ "id": created["id"], "expectedVersion": 7, "name": "Eve" }),
        ),
        (
            "an object that is not there",
            DELETE,
            json!({ "id": NOBODY }),
        ),
    ] {
        let variables = json!({ "input": input });
        page.run(what, &client, document, variables).await;
    }
    let key = ("idempotency-key", "one-and-the-same");
    let eve = json!({ "input": { "name": "Eve", "email": "eve@example.com" } });
    client.run_with(CREATE, eve, &[key]).await.data();
    let other = json!({ "input": { "name": "Mallory", "email": "eve@example.com" } });
    let answer = client.run_with(CREATE, other, &[key, STRICT]).await;
    page.answer("another input under the same idempotency key", &answer);
    let headers = [("read-after", "nonsense"), STRICT];
    let answer = client.run_with("{ __typename }", json!({}), &headers).await;
    page.answer("a `Read-After` that no answer gave", &answer);
}

async fn callers(page: &mut Page) {
    page.table("The caller", "Who asks, and for what.", COLUMNS);
    let client = page.client.clone();
    let list = "{ customers { nodes { id } } }";
    let nobody = client.anonymous();
    page.run("no token", &nobody, list, json!({})).await;
    let forged = client.signed_in_as("nonsense");
    page.run("a token that is none", &forged, list, json!({}))
        .await;
    let member = register(&client, "Grace").await.client(&client);
    page.run("a member, about customers", &member, list, json!({}))
        .await;
    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { user { id } } }";
    let wrong =
        json!({ "input": { "email": "nobody@example.com", "password": "a wrong password" } });
    page.run("a wrong password", &nobody, sign_in, wrong.clone())
        .await;
    nobody.run_with(sign_in, wrong.clone(), &[STRICT]).await;
    page.run("wrong passwords, again and again", &nobody, sign_in, wrong)
        .await;
}

async fn sockets(page: &mut Page) {
    let columns = ["what was sent", "message", "code", "text", "extensions"];
    page.table("Subscriptions", "On a socket.", &columns);
    let client = page.client.clone();
    let mut socket = client.socket().await;
    for (what, document, after) in [
        ("a document that is wrong", "subscription { nobody }", None),
        ("a cursor that is none", CHANGES, Some("nonsense")),
        (
            "a cursor of another log",
            CHANGES,
            Some("00000001-1-00000001"),
        ),
    ] {
        socket
            .subscribe(what, document, json!({ "after": after }))
            .await;
        let mut message = socket.message().await;
        while message["id"] != what || message["type"] == "complete" {
            message = socket.message().await;
        }
        let (kind, payload) = (&message["type"], &message["payload"]);
        let error = match kind.as_str() {
            Some("error") => &payload[0],
            _ => &payload["errors"][0],
        };
        page.error(
            what,
            &format!("`{}`", kind.as_str().expect("a type")),
            error,
        );
    }

    let about = "Close codes, with their reasons. [Errors](errors.md#close-codes-of-sockets) says whether to come back.";
    page.table(
        "Ends of sockets",
        about,
        &["what was sent", "code", "reason"],
    );
    let address = client.address;
    let upgrade = || Socket::upgrade(address, "graphql-transport-ws");
    let init = json!({ "type": "connection_init" });

    let socket = Socket::upgrade(address, "").await.expect("an upgrade");
    page.end("no subprotocol", socket).await;
    let socket = upgrade().await.expect("an upgrade");
    page.end("nothing", socket).await;
    let mut socket = upgrade().await.expect("an upgrade");
    socket.subscribe("1", "{ __typename }", json!({})).await;
    page.end("an operation before `connection_init`", socket)
        .await;
    let mut socket = upgrade().await.expect("an upgrade");
    let payload = json!({ "authorization": "Bearer nonsense" });
    socket
        .send(json!({ "type": "connection_init", "payload": payload }))
        .await;
    page.end("a token that is none", socket).await;
    let mut socket = client.socket().await;
    socket.send(init).await;
    page.end("a second `connection_init`", socket).await;
    let mut socket = client.socket().await;
    for _ in 0..2 {
        socket.subscribe("1", CHANGES, json!({})).await;
    }
    page.end("two operations with one id", socket).await;
    let mut socket = client.socket().await;
    socket.send(json!({ "type": "greeting" })).await;
    page.end("a message that the protocol does not know", socket)
        .await;
    let mut socket = client.socket().await;
    socket.send_raw(Message::text(" ".repeat(2 << 20))).await;
    page.end("a message of two megabytes", socket).await;
}

tests::embedded!(errors_are_as_documented);
