//! The web app in a browser, against a gateway with demo data: what it shows, to whom, and what becomes of it when the network, the gateway
//! or the session goes away. Where people see each other, it runs both ways. The programs are in `tests/js`, those of a name that begins
//! with `app-`; each enters by itself.

use std::path::PathBuf;
use std::process::Command;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::driving;
use tests::graphql::Client;
use tests::http::post;
use tests::people::{ADMIN_EMAIL, Person, send_register, set_role};
use tests::programs::{CHROMIUM, repository};
use tests::setup::run_browser;
use tests::waiting::SOON;
use tests::{Gateway, Running, Setup};

/// Starts a gateway for the first time, with demo data; returns it with the administrator whose password it printed.
async fn first_start(setup: &Setup) -> (Gateway, Person) {
    let mut gateway = setup.gateway(&["--demo-data"]);
    let line = gateway.process.await_line(ADMIN_EMAIL, SOON);
    let password = line.split("with the password ").nth(1);
    let password = password.and_then(|rest| rest.split_whitespace().next());
    let password = password.expect("the password").to_owned();
    let input = json!({ "input": { "email": ADMIN_EMAIL, "password": password } });
    let document = "mutation($input: SignInInput!) { signIn(input: $input) { session { accessToken refreshToken } \
        user { id name email } } }";
    let answer = gateway.client.run(document, input).await;
    let admin = Person::of(&answer, "signIn", &password);
    (gateway, admin)
}

/// Tokens end so soon that every page lives through several.
const SHORT: (&str, &str) = ("MILLRACE_ACCESS_TOKEN_LIFETIME", "4s");

/// Runs a program with the browser, against a gateway with these settings.
fn browse(program: &'static str, settings: &'static [(&'static str, &'static str)]) {
    assert!(CHROMIUM.exists());
    run_browser(async || {
        let mut setup = Setup::embedded_from_nothing();
        for (name, value) in settings {
            setup.settings.set(name, value);
        }
        let (gateway, admin) = first_start(&setup).await;
        driving::run(programs(), program, vec![gateway], admin).await;
    });
}

/// Runs a program with the browser, against two gateways on Postgres and Redis, with workers in a process of their own.
fn browse_distributed(program: &'static str) {
    assert!(CHROMIUM.exists());
    run_browser(async || {
        let mut setup = Setup::distributed();
        // Longer than `SHORT`: with more processes on the same cores, a request may take a second to arrive.
        setup.settings.set(SHORT.0, "10s");
        let mut seed = setup.command(&["seed", "--customers", "25", "--posts", "4"]);
        assert!(seed.status().expect("it starts").success());
        let app = setup.start_many(2, 1, &["--demo-data"]);
        make_demo_people(&setup, app.client()).await;
        let Running { gateways, workers } = app;
        driving::run(programs(), program, gateways, setup.admin().clone()).await;
        drop(workers);
    });
}

fn programs() -> PathBuf {
    repository().join("tests/js")
}

/// Makes the people of the demo data, whom a gateway makes embedded only. What stands in place of their passwords makes users such people.
async fn make_demo_people(setup: &Setup, admin: &Client) {
    let people = [
        ("Ada Lovelace", "ada@example.com", "STAFF"),
        ("Grace Hopper", "grace@example.com", "STAFF"),
        ("Alan Turing", "alan@example.com", "MEMBER"),
    ];
    for (name, email, role) in people {
        let password = "replaced at once";
        let registered = send_register(admin, name, email, password).await;
        let person = Person::of(&registered, "register", password);
        set_role(admin, &person.id, role).await.data();
    }
    let statement = "update user_password set hash = 'demo' where user_id in (select id from app_user \
        where email_key in ('ada@example.com', 'grace@example.com', 'alan@example.com'))";
    let database = setup.database().await;
    let done = database.execute_unprepared(statement).await;
    assert_eq!(done.expect("the people").rows_affected(), 3);
}

mod a_first_visit {
    #[test]
    fn embedded() {
        super::browse("app-visit.mjs", &[super::SHORT]);
    }

    #[test]
    fn distributed() {
        super::browse_distributed("app-visit.mjs");
    }
}

#[test]
fn accounts() {
    browse("app-account.mjs", &[]);
}

#[test]
fn pages_are_accessible() {
    browse("app-pages.mjs", &[SHORT]);
}

#[test]
fn records_are_shared() {
    browse("app-records.mjs", &[SHORT]);
}

#[test]
fn faults_lose_nothing() {
    browse("app-faults.mjs", &[SHORT]);
}

mod people_chat {
    #[test]
    fn embedded() {
        super::browse("app-chats.mjs", &[super::SHORT]);
    }

    #[test]
    fn distributed() {
        super::browse_distributed("app-chats.mjs");
    }
}

#[test]
fn posts_are_shared() {
    browse("app-posts.mjs", &[SHORT]);
}

/// One processor takes its time, so that the others can be seen to have answered.
#[test]
fn signals_fill_in() {
    let settings = &[
        SHORT,
        ("MILLRACE_FAULTS", "signal_trend:delay=5s"),
        ("MILLRACE_SIGNAL_DEADLINE", "12s"),
    ];
    browse("app-signals.mjs", settings);
}

#[test]
fn its_unit_tests_pass() {
    let output = Command::new("npm")
        .args(["test"])
        .current_dir(repository().join("web/app"))
        .output()
        .expect("npm starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
}

async fn people_of(client: &Client) -> Vec<Value> {
    let answer = client.get("/demo/people", &[]).await;
    let list: Value = serde_json::from_str(&answer.text()).expect("JSON");
    list["people"].as_array().expect("people").clone()
}

async fn enter(client: &Client, email: &str, content_type: &str) -> (u16, Value) {
    let body = json!({ "email": email }).to_string();
    let headers = [("content-type", content_type)];
    let request = post("/demo/session", &headers, body.as_bytes());
    let answer = client.send(&request).await.expect("an answer");
    let value = serde_json::from_str(&answer.text()).unwrap_or_default();
    (answer.status, value)
}

/// Whoever registers is never offered, a person of the demo data has no password, and without the flag nobody is entered as.
#[test]
fn visitors_enter_as_people_of_the_demo_data_and_as_nobody_else() {
    tests::setup::run(async || {
        let setup = Setup::embedded_from_nothing();
        let (mut gateway, _) = first_start(&setup).await;
        let client = gateway.client.clone();
        let people = people_of(&client).await;
        let emails: Vec<_> = people
            .iter()
            .filter_map(|it| it["email"].as_str())
            .collect();
        assert_eq!(
            emails,
            ["ada@example.com", "grace@example.com", "alan@example.com"]
        );
        let json = "application/json";
        let (status, entered) = enter(&client, "ada@example.com", json).await;
        assert_eq!(status, 200, "{entered}");
        let token = entered["session"]["accessToken"].as_str().expect("a token");
        let me = client
            .signed_in_as(token)
            .run("{ me { id email role } }", json!({}))
            .await;
        assert_eq!(me.data()["me"]["id"], entered["user"]["id"]);
        assert_eq!(me.data()["me"]["role"], "STAFF");
        // The administrator, and somebody who is not there.
        for email in [ADMIN_EMAIL, "nobody@example.com"] {
            assert_eq!(enter(&client, email, json).await.0, 404, "{email}");
        }
        // What pages of other sites can have sent.
        assert_eq!(enter(&client, "ada@example.com", "text/plain").await.0, 415);
        for password in ["demo", "ada@example.com"] {
            let input = json!({ "input": { "email": "ada@example.com", "password": password } });
            let document =
                "mutation($input: SignInInput!) { signIn(input: $input) { user { id } } }";
            let refused = client.run(document, input).await;
            refused.expect_code("UNAUTHENTICATED");
        }
        gateway.process.kill();
        let without = setup.gateway(&[]);
        assert!(people_of(&without.client).await.is_empty());
        assert_eq!(enter(&without.client, "ada@example.com", json).await.0, 404);
        // Nor goes on as.
        let token = &entered["session"]["refreshToken"];
        let document = "mutation($token: String!) { refresh(input: { refreshToken: $token }) { user { id } } }";
        let refused = without
            .client
            .run(document, json!({ "token": token }))
            .await;
        refused.expect_code("UNAUTHENTICATED");
    });
}
