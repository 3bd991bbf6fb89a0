//! The clients that people use: the audits of graphql-http, the graphql-ws and graphql-sse clients, Apollo Client 3 and 4, urql, Relay's
//! network, GraphiQL in a browser, and a socket on HTTP/2. The programs are in `tests/js`; each takes the gateway's address, an administrator's ACCESS_TOKEN,
//! SIGN_IN_EMAIL and SIGN_IN_PASSWORD in its environment, and ends with 0 when all its checks hold. What is of a transport's own runs
//! embedded; resuming runs both ways, and the browser distributed.

use std::process::Command;

use tests::Setup;
use tests::programs::{CHROMIUM, NODE, repository};

async fn run(setup: Setup, program: &'static str) {
    let app = setup.start();
    let directory = repository().join("tests/js");
    assert!(
        directory.join("node_modules").exists(),
        "run `npm ci` in tests/js first"
    );
    let url = app.gateways[0].url();
    let admin = setup.admin().clone();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(&*NODE)
            .arg(program)
            .arg(url)
            .env("ACCESS_TOKEN", admin.access_token)
            .env("SIGN_IN_EMAIL", admin.email)
            .env("SIGN_IN_PASSWORD", admin.password)
            .current_dir(directory)
            .output()
            .expect("node starts")
    })
    .await
    .expect("the program");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{program} failed\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    println!("{}", text(&output.stdout));
}

async fn http_audits(setup: Setup) {
    run(setup, "http-audits.mjs").await;
}

async fn ws_client(setup: Setup) {
    run(setup, "ws-client.mjs").await;
}

async fn http2_socket(setup: Setup) {
    run(setup, "http2-socket.mjs").await;
}

async fn sse_client(setup: Setup) {
    run(setup, "sse-client.mjs").await;
}

async fn apollo(mut setup: Setup) {
    setup.settings.set("MILLRACE_BATCHING", "true");
    setup.settings.set("MILLRACE_SSE_KEEP_ALIVE", "200ms");
    run(setup, "apollo.mjs").await;
}

async fn urql(setup: Setup) {
    run(with_documents(setup), "urql.mjs").await;
}

async fn relay(setup: Setup) {
    run(with_documents(setup), "relay.mjs").await;
}

/// What the generators of three clients write.
fn with_documents(mut setup: Setup) -> Setup {
    let folder = repository().join("tests/js/documents");
    let files = ["apollo", "codegen", "relay"].map(|name| {
        let file = folder.join(format!("{name}.json"));
        file.display().to_string()
    });
    setup
        .settings
        .set("MILLRACE_TRUSTED_DOCUMENTS", &files.join(","));
    setup
}

async fn handover(setup: Setup) {
    run(setup, "handover.mjs").await;
}

async fn renewal(setup: Setup) {
    run(with_short_tokens(setup), "renewal.mjs").await;
}

async fn graphiql(setup: Setup) {
    assert!(CHROMIUM.exists());
    run(setup, "graphiql.mjs").await;
}

async fn graphiql_account(setup: Setup) {
    assert!(CHROMIUM.exists());
    run(with_short_tokens(setup), "graphiql-account.mjs").await;
}

async fn example_page(setup: Setup) {
    assert!(CHROMIUM.exists());
    run(with_short_tokens(setup), "example-page.mjs").await;
}

async fn graphiql_chat(setup: Setup) {
    assert!(CHROMIUM.exists());
    run(setup, "graphiql-chat.mjs").await;
}

/// One handler fails at everything, so that something is given up.
async fn app_operations(mut setup: Setup) {
    assert!(CHROMIUM.exists());
    let faults = "signal_levels:fail=1";
    setup.settings.set("MILLRACE_FAULTS", faults);
    run(setup, "app-operations.mjs").await;
}

/// Long enough to do something with one, short enough to see several end. The administrator's was issued before.
fn with_short_tokens(mut setup: Setup) -> Setup {
    setup.settings.set("MILLRACE_ACCESS_TOKEN_LIFETIME", "6s");
    setup
}

tests::both_ways!(handover);
tests::embedded!(
    http_audits,
    ws_client,
    http2_socket,
    sse_client,
    apollo,
    urql,
    relay,
    renewal
);
tests::distributed!(browser: app_operations, example_page, graphiql, graphiql_account, graphiql_chat);
