//! Sessions as their users see them, and who may begin one.

use serde_json::{Value, json};
use tests::Setup;
use tests::graphql::{Answer, Client};
use tests::people::{self, Person, register};

const SESSIONS: &str =
    "{ me { sessions { id userAgent createdAt lastUsedAt expiresAt isCurrent } } }";
const END: &str =
    "mutation($input: EndSessionInput!) { endSession(input: $input) { session { id isCurrent } } }";
const SIGN_IN: &str = "mutation($input: SignInInput!) { signIn(input: $input) {
    session { accessToken refreshToken } user { id name email } } }";

async fn sessions(client: &Client) -> Vec<Value> {
    let answer = client.run(SESSIONS, json!({})).await;
    let sessions = answer.data()["me"]["sessions"].as_array();
    sessions.expect("sessions").clone()
}

async fn end(client: &Client, id: &Value) -> Answer {
    client.run(END, json!({ "input": { "id": id } })).await
}

async fn sign_in_with(client: &Client, person: &Person, device: &str) -> Person {
    let input = json!({ "email": person.email, "password": person.password });
    let headers = [("user-agent", device)];
    let answer = client
        .anonymous()
        .run_with(SIGN_IN, json!({ "input": input }), &headers)
        .await;
    Person::of(&answer, "signIn", &person.password)
}

async fn sessions_are_shown_and_ended_one_by_one(setup: Setup) {
    let app = setup.start();
    let ada = register(app.client(), "Ada").await;
    let long = format!("Phone/1.0 {}", "x".repeat(1_000));
    let phone = sign_in_with(app.client(), &ada, &long).await;
    let (here, there) = (ada.client(app.client()), phone.client(app.client()));
    let mut socket = there.socket().await;
    let shown = sessions(&here).await;
    assert_eq!(shown.len(), 2, "{shown:?}");
    let (other, own) = (&shown[0], &shown[1]);
    assert_eq!(
        (&other["isCurrent"], &own["isCurrent"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(own["userAgent"], Value::Null);
    let device = other["userAgent"].as_str().expect("a device");
    assert!(
        device.starts_with("Phone/1.0 x") && device.len() == 256,
        "{device}"
    );
    assert!(other["lastUsedAt"].as_str() >= other["createdAt"].as_str());

    // Renewing its tokens is a use, and the device stays known.
    let again = people::refresh(app.client(), &phone).await;
    let shown = sessions(&here).await;
    assert!(
        shown[0]["lastUsedAt"].as_str() > other["lastUsedAt"].as_str(),
        "{shown:?}"
    );
    assert_eq!(shown[0]["userAgent"], device);

    // Nobody else sees them, or ends them.
    let bob = register(app.client(), "Bob").await.client(app.client());
    for client in [&bob, app.client()] {
        let document = format!(
            "{{ user(id: \"{}\") {{ name sessions {{ id }} }} }}",
            ada.id
        );
        let answer = client.run(&document, json!({})).await;
        assert_eq!(answer.data()["user"]["sessions"], Value::Null);
        end(client, &other["id"]).await.expect_code("NOT_FOUND");
    }
    let ended = end(&here, &other["id"]).await;
    assert_eq!(ended.data()["endSession"]["session"]["id"], other["id"]);
    assert_eq!(socket.closed().await, 4403);
    let refused = again
        .client(app.client())
        .run("{ me { id } }", json!({}))
        .await;
    assert_eq!(refused.expect_code("UNAUTHENTICATED")["reason"], "REVOKED");
    people::send_refresh(app.client(), &again.refresh_token)
        .await
        .expect_code("UNAUTHENTICATED");
    end(&here, &other["id"]).await.expect_code("NOT_FOUND");
    assert_eq!(sessions(&here).await.len(), 1);
    // One's own is ended like any other.
    let ended = end(&here, &own["id"]).await;
    assert_eq!(ended.data()["endSession"]["session"]["isCurrent"], true);
    here.run("{ me { id } }", json!({}))
        .await
        .expect_code("UNAUTHENTICATED");
}

async fn registration_may_be_closed(setup: Setup) {
    let app = setup.start_many(1, 0, &["--registration", "closed"]);
    let refused =
        people::send_register(app.client(), "Eve", "eve@example.com", "knit a blue hat").await;
    refused.expect_code("FORBIDDEN");
    let mut command = setup.command(&[
        "user",
        "--email",
        "eve@example.com",
        "--name",
        "Eve",
        "--role",
        "staff",
    ]);
    let made = command
        .env("MILLRACE_USER_PASSWORD", "knit a blue hat")
        .output()
        .expect("a user");
    assert!(made.status.success(), "{made:?}");
    let eve = people::sign_in(app.client(), "eve@example.com", "knit a blue hat").await;
    assert_eq!(eve.name, "Eve");
    let role = eve
        .client(app.client())
        .run("{ me { role } }", json!({}))
        .await;
    assert_eq!(role.data()["me"]["role"], "STAFF");
    // Nobody would be left to manage users.
    let admin = setup.admin().email.clone();
    let mut command = setup.command(&["user", "--email", &admin]);
    let refused = command
        .env("MILLRACE_USER_PASSWORD", "knit a red hat")
        .output()
        .expect("an answer");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{refused:?}");
    assert!(told.contains("the last administrator"), "{told}");
}

async fn passwords_that_are_tried_first_are_refused(setup: Setup) {
    let app = setup.start();
    for guessable in ["password1", "qwertyuiop", "gracehopper"] {
        let refused =
            people::send_register(app.client(), "Grace Hopper", "grace@example.com", guessable)
                .await;
        let violations = &refused.expect_code("VALIDATION")["violations"];
        assert_eq!(violations[0]["field"], "password", "{violations}");
        assert_eq!(violations[0]["code"], "guessable", "{violations}");
    }
    let grace = register(app.client(), "Grace").await;
    let client = grace.client(app.client());
    let refused = people::change_password(&client, &grace.password, "letmein123").await;
    assert_eq!(
        refused.expect_code("VALIDATION")["violations"][0]["code"],
        "guessable"
    );
    people::change_password(&client, &grace.password, "knit a blue hat")
        .await
        .data();
}

tests::both_ways!(sessions_are_shown_and_ended_one_by_one);
tests::embedded!(
    registration_may_be_closed,
    passwords_that_are_tried_first_are_refused
);
