//! Sessions as their users see them, and who may begin one.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::people::{self, Person, register};
use tests::postgres::Postgres;
use tests::statements::StatementLog;
use tests::{Running, Setup, database, ids};

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

/// A program has signed in again and again; its user is shut out.
async fn deactivate_with_sessions(setup: &Setup, app: &Running, more: u64) {
    let ada = register(app.client(), "Ada").await;
    let database = setup.database().await;
    let digits = ids::uuid_digits(&ada.id).expect("an id");
    let (id, user) = match database::is_postgres(&database) {
        true => ("gen_random_uuid()", format!("'{digits}'")),
        false => ("randomblob(16)", format!("x'{digits}'")),
    };
    let insert = format!(
        "with recursive many(i) as (select 1 union all select i + 1 from many where i < {more})
         insert into session (id, user_id, version, created_at, expires_at)
         select {id}, user_id, 1, created_at, expires_at from session, many where user_id = {user}"
    );
    let inserted = database.execute_unprepared(&insert).await;
    assert_eq!(inserted.expect("rows").rows_affected(), more);
    let mut socket = ada.client(app.client()).socket().await;
    people::deactivate(app.client(), Some(&ada.id)).await.data();
    assert_eq!(socket.closed().await, 4403);
    let ended = format!(
        "select count(*) as number from session where user_id = {user} and revoked_at is not null and version = 2"
    );
    assert_eq!(database::number(&database, &ended).await, more + 1);
    let told = "select count(distinct stream_id) as number from event where type = 'SessionRevoked' and version = 2";
    assert_eq!(database::number(&database, told).await, more + 1);
}

async fn any_number_of_sessions_is_ended(setup: Setup) {
    let app = setup.start();
    deactivate_with_sessions(&setup, &app, 1_200).await;
}

/// A statement for each would take longer than a request may, once there are tens of thousands.
async fn sessions_are_ended_in_few_statements(postgres: Postgres, setup: Setup) {
    let log = StatementLog::begin(&postgres, &setup);
    let app = setup.start();
    let of_sessions = ["update session", "UPDATE \"session\"", "insert into event"];
    let ended = log.of(&of_sessions, deactivate_with_sessions(&setup, &app, 1_200));
    let statements = ended.await.len();
    assert!(statements < 30, "{statements} statements");
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

tests::both_ways!(
    any_number_of_sessions_is_ended,
    sessions_are_shown_and_ended_one_by_one
);
tests::embedded!(
    registration_may_be_closed,
    passwords_that_are_tried_first_are_refused
);

tests::on_own_postgres!(sessions_are_ended_in_few_statements);
