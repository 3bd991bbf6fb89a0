//! What the log says: a line for each request and socket that has no more in it than names and ids, what was refused, what was slow; and
//! levels that change while the process runs. The log is of a process, whatever its database.

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::admin::Admin;
use tests::waiting::SOON;
use tests::{Setup, customers, eventually, people};

/// Texts of clients that no line may have.
const PRIVATE: [&str; 5] = [
    "secret-name",
    "private@example.org",
    "wrong-password",
    "bad-token",
    "secret-literal",
];

/// The lines of a log in JSON.
fn lines(log: &str) -> Vec<Value> {
    let lines = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.collect()
}

fn of<'a>(lines: &'a [Value], target: &str) -> Vec<&'a Value> {
    let lines = lines.iter().filter(|line| line["target"] == target);
    lines.collect()
}

async fn lines_have_names_and_ids_only(mut setup: Setup) {
    setup.settings.set("RUST_LOG", "info");
    setup.settings.set("MILLRACE_LOG_FORMAT", "json");
    let app = setup.start();
    let client = app.client();
    customers::create(client, "secret-name", "private@example.org").await;
    let document = "query Sought($text: String) { customers(first: 1, filter: { search: $text }) { totalCount } }";
    let headers = [("x-request-id", "the-request-of-the-test")];
    client
        .run_with(document, json!({ "text": "secret-name" }), &headers)
        .await;
    client
        .run("{ broken(of: \"secret-literal\") }", json!({}))
        .await;
    let member = people::register(client, "Member").await;
    people::send_sign_in(client, &member.email, "wrong-password").await;
    client
        .signed_in_as("bad-token")
        .run("{ __typename }", json!({}))
        .await;
    let status = "query Hidden { private_alias: workerStatus { followers { name } } }";
    member
        .client(client)
        .run(status, json!({}))
        .await
        .expect_code("FORBIDDEN");
    // Each of the others' histories is refused, and that is told once.
    let histories =
        "query Others { users(first: 10) { nodes { history(first: 1) { nodes { type } } } } }";
    let answer = member.client(client).run(histories, json!({})).await;
    assert_eq!(answer.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let mut socket = client.socket().await;
    socket
        .subscribe("secret-literal", customers::CHANGES, json!({}))
        .await;
    socket
        .subscribe("secret-literal", customers::CHANGES, json!({}))
        .await;
    assert_eq!(socket.closed().await, 4409);

    let process = &app.gateways[0].process;
    let log = eventually("the socket's line is there", SOON, async || {
        let log = process.log();
        log.contains("a socket was closed").then_some(log)
    })
    .await;
    for private in PRIVATE {
        assert!(!log.contains(private), "{private} is in the log:\n{log}");
    }
    assert!(!log.contains(&member.email), "an address is in the log");
    let lines = lines(&log);
    let access = of(&lines, "access");
    let sought = access.iter().find(|line| line["operation"] == "Sought");
    let sought = sought.unwrap_or_else(|| panic!("no line of the request: {access:?}"));
    assert_eq!(sought["level"], "INFO");
    assert_eq!(
        (&sought["type"], &sought["outcome"]),
        (&json!("query"), &json!("success"))
    );
    assert_eq!(sought["request_id"], "the-request-of-the-test");
    assert_eq!(sought["client"], "127.0.0.1");
    assert!(
        sought["user"]
            .as_str()
            .is_some_and(|user| user.starts_with("user_")),
        "{sought}"
    );
    assert!(sought["duration_ms"].as_f64() > Some(0.0), "{sought}");
    assert!(
        access.iter().any(|line| line["outcome"] == "refused"),
        "{access:?}"
    );
    let closed = access
        .iter()
        .find(|line| line["code"] == 4409)
        .expect("the socket's line");
    assert!(
        closed["why"]
            .as_str()
            .is_some_and(|why| why.contains("twice")),
        "{closed}"
    );
    let audit = of(&lines, "audit");
    for what in ["sign_in", "token", "rights"] {
        assert!(
            audit.iter().any(|line| line["what"] == what),
            "{what}: {audit:?}"
        );
    }
    let refused = audit
        .iter()
        .find(|line| line["what"] == "rights")
        .expect("it is there");
    assert_eq!(
        (&refused["operation"], &refused["field"]),
        (&json!("Hidden"), &json!("workerStatus"))
    );
    let of_others = audit.iter().filter(|line| line["operation"] == "Others");
    assert_eq!(
        of_others.map(|line| &line["field"]).collect::<Vec<_>>(),
        ["users"]
    );
    assert!(
        refused["user"]
            .as_str()
            .is_some_and(|user| user.starts_with("user_")),
        "{refused}"
    );
}

async fn requests_are_not_told_unless_asked_for(setup: Setup) {
    let app = setup.start();
    app.client()
        .run("query Unasked { __typename }", json!({}))
        .await;
    let member = people::register(app.client(), "Member").await;
    people::send_sign_in(app.client(), &member.email, "wrong-password").await;
    let log = app.gateways[0].process.log();
    assert!(
        !log.contains("Unasked") && log.contains("refused: the email address or the password"),
        "{log}"
    );
}

async fn what_is_slow_is_told_with_its_request(mut setup: Setup) {
    setup.settings.set("MILLRACE_SLOW_OPERATION", "1ms");
    setup.settings.set("MILLRACE_SLOW_STATEMENT", "1ms");
    setup.settings.set("MILLRACE_LOG_FORMAT", "json");
    // No line of what runs between, and yet the request.
    setup.settings.set("RUST_LOG", "warn,audit=info");
    let app = setup.start();
    let client = app.client();
    // Passwords take more than a millisecond, and so does a commit to the disk.
    let member = people::register(client, "Slow").await;
    people::sign_in(client, &member.email, &member.password).await;
    let process = &app.gateways[0].process;
    let log = eventually("it is told", SOON, async || {
        customers::create(
            client,
            "Ada",
            &format!("{}@example.org", uuid::Uuid::now_v7()),
        )
        .await;
        let session = people::sign_in(client, &member.email, &member.password);
        let _ = session.await;
        let log = process.log();
        let lines = lines(&log);
        let slow = of(&lines, "slow");
        let of_request = slow.iter().any(|line| {
            let id = line["request_id"].as_str().unwrap_or_default();
            let is_of = |it: &&Value| it["statement"].is_string() && it.to_string().contains(id);
            line["type"] == "mutation" && slow.iter().any(is_of)
        });
        of_request.then_some(log)
    })
    .await;
    let lines = lines(&log);
    let slow = of(&lines, "slow");
    assert!(slow.iter().all(|line| line["level"] == "WARN"));
    let operation = slow
        .iter()
        .find(|line| line["type"] == "mutation")
        .expect("an operation");
    assert!(
        operation["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{operation}"
    );
    let statement = slow
        .iter()
        .find(|line| line["statement"].is_string())
        .expect("a statement");
    let text = statement["statement"].as_str().expect("a text");
    assert!(!text.is_empty() && !log.contains(&member.email), "{text}");
}

async fn levels_change_while_it_runs(mut setup: Setup) {
    setup.settings.set("MILLRACE_ADMIN_LISTEN", "127.0.0.1:0");
    let file = setup.directory.join("millrace.toml");
    std::fs::write(&file, "log = \"warn\"\n").expect("the file is written");
    let mut app = setup.start();
    let admin = Admin::of(&mut app.gateways[0].process);
    let asked = async |name: &str| {
        let document = format!("query {name} {{ __typename }}");
        app.client().run(&document, json!({})).await;
        app.gateways[0].process.log().contains(name)
    };
    assert_eq!(admin.get("/log", "").await.text(), "warn\n");
    assert!(!asked("Before").await);
    let answer = admin.send("PUT", "/log", "", "warn,access=info").await;
    assert_eq!(
        (answer.status, &*answer.text()),
        (200, "warn,access=info\n")
    );
    assert!(asked("After").await);
    let refused = admin.send("PUT", "/log", "", "wran").await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("did you mean warn"));
    // A page that has its own name resolve to this machine cannot do that.
    let foreign = "PUT /log HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 3\r\n\r\noff";
    let mut connection = tests::http::Connection::open(admin.0)
        .await
        .expect("it is open");
    let answer = connection
        .send(foreign.as_bytes())
        .await
        .expect("an answer");
    assert_eq!(answer.status, 403);
    assert!(asked("Still").await);
    std::fs::write(&file, "log = \"error\"\n").expect("the file is written");
    app.gateways[0].process.signal(Signal::HUP);
    eventually("the file is read again", SOON, async || {
        (admin.get("/log", "").await.text() == "error\n").then_some(())
    })
    .await;
    // What cannot be read changes nothing, and ends nothing.
    let wrong = "log = \"info\"\nredis-url = \"redis://:pw#1@host:badly\"\n";
    std::fs::write(&file, wrong).expect("the file is written");
    app.gateways[0].process.signal(Signal::HUP);
    let log = || app.gateways[0].process.log();
    eventually("it is told", SOON, async || {
        log().contains("REDIS_URL cannot be read").then_some(())
    })
    .await;
    assert!(!log().contains("pw#1"), "{}", log());
    assert_eq!(admin.get("/log", "").await.text(), "error\n");
}

tests::embedded!(
    lines_have_names_and_ids_only,
    requests_are_not_told_unless_asked_for,
    what_is_slow_is_told_with_its_request,
    levels_change_while_it_runs
);
