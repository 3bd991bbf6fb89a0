//! By what names the gateway is called, what may be cached, and where pages may connect to.

use tests::Setup;
use tests::http::{Connection, Response, post};

async fn send(app: &tests::Running, request: &str) -> Response {
    let mut connection = Connection::open(app.address()).await.expect("a connection");
    connection
        .send(request.as_bytes())
        .await
        .expect("an answer")
}

async fn names_that_nobody_allowed_are_refused(setup: Setup) {
    let flags = [
        "--allowed-hosts",
        "gateway.example.org",
        "--allowed-origins",
        "https://*.example.com",
    ];
    let app = setup.start_many(1, 0, &flags);
    let get = |path: &str, host: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n\r\n")
    };
    let upgrade = |host: &str| {
        format!(
            "GET /graphql HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        )
    };
    let query = "/graphql?query=%7B__typename%7D";
    for path in [query, "/graphiql", "/schema.graphql", "/nowhere"] {
        let refused = send(&app, &get(path, "evil.example")).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text());
        assert!(refused.text().contains("FORBIDDEN"), "{}", refused.text());
    }
    assert_eq!(send(&app, &upgrade("evil.example:8080")).await.status, 403);
    assert_eq!(
        send(&app, &get("/health/ready", "10.evil.example"))
            .await
            .status,
        200
    );
    for host in [
        "localhost",
        "127.0.0.1:1",
        "gateway.example.org",
        "app.example.com",
    ] {
        assert_eq!(send(&app, &get(query, host)).await.status, 200, "{host}");
    }
}

async fn nothing_of_the_api_is_cached(setup: Setup) {
    let app = setup.start();
    let body = br#"{"query":"{ me { id } }"}"#;
    for token in [app.client().token().unwrap_or_default(), "bad"] {
        let authorization = format!("Bearer {token}");
        let request = post("/graphql", &[("authorization", &authorization)], body);
        let mut connection = Connection::open(app.address()).await.expect("a connection");
        let answer = connection.send(&request).await.expect("an answer");
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{}",
            answer.text()
        );
    }
    let page = app.client().get("/graphiql", &[]).await;
    let policy = page.header("content-security-policy").expect("a policy");
    let connect = policy
        .split(';')
        .find(|it| it.trim().starts_with("connect-src"));
    assert_eq!(connect.map(str::trim), Some("connect-src 'self'"));
}

tests::embedded!(
    names_that_nobody_allowed_are_refused,
    nothing_of_the_api_is_cached
);
