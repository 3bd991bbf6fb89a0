//! Profiles: what they may hold, who sees the address and the history, and that a change is told to all who follow.

use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::people::{self, Person};
use tests::{Setup, ids};

const FIND: &str = "query Find($id: ID!) { user(id: $id) { \
    id name bio role email availability lastSeenAt version createdAt updatedAt deactivatedAt } }";
const CHANGES: &str = "subscription Changes($id: ID, $after: String) { userChanged(id: $id, after: $after) { \
    cursor type version actor { name ... on User { id } } occurredAt user { id name email } } }";

async fn find(client: &Client, id: &str) -> Value {
    client.run(FIND, json!({ "id": id })).await.data()["user"].clone()
}

async fn update(client: &Client, input: Value) -> Answer {
    let document = "mutation Update($input: UpdateProfileInput!) { updateProfile(input: $input) { user { \
        id name bio version updatedAt } } }";
    client.run(document, json!({ "input": input })).await
}

async fn history(client: &Client, id: &str) -> Answer {
    let document = "query History($id: ID!) { node(id: $id) { ... on User { history(first: 50) { nodes { \
        type version actor { name ... on User { id } } data cursor } } } } }";
    client.run(document, json!({ "id": id })).await
}

async fn new_users_are_members(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "  Ada  ").await;
    assert_eq!(ada.name, "Ada");
    let found = find(client, &ada.id).await;
    assert_eq!(
        (
            &found["role"],
            &found["bio"],
            &found["version"],
            &found["deactivatedAt"]
        ),
        (&json!("MEMBER"), &Value::Null, &json!(1), &Value::Null)
    );
    assert_eq!(found["createdAt"], found["updatedAt"]);
    let me = ada
        .client(client)
        .run("{ me { id email } }", json!({}))
        .await;
    assert_eq!(me.data()["me"], json!({ "id": ada.id, "email": ada.email }));
    let nobody = client.anonymous().run("{ me { id } }", json!({})).await;
    assert_eq!(nobody.data()["me"], Value::Null);
    let unknown = ids::global_id("user", 1);
    assert_eq!(find(client, &unknown).await, Value::Null);
    assert_eq!(
        find(client, &ids::global_id("customer", 1)).await,
        Value::Null
    );
    client
        .anonymous()
        .run(FIND, json!({ "id": ada.id }))
        .await
        .expect_code("UNAUTHENTICATED");
}

async fn profiles_are_changed_by_their_owners(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let own = ada.client(client);
    let changed = update(
        &own,
        json!({ "name": " Ada L. ", "bio": "Engines\nand poetry" }),
    )
    .await;
    let user = &changed.data()["updateProfile"]["user"];
    assert_eq!(
        (&user["id"], &user["name"], &user["bio"], &user["version"]),
        (
            &json!(ada.id),
            &json!("Ada L."),
            &json!("Engines\nand poetry"),
            &json!(2)
        )
    );
    let kept = update(&own, json!({})).await;
    assert_eq!(
        kept.data()["updateProfile"]["user"],
        *user,
        "nothing changed"
    );
    let cleared = update(&own, json!({ "bio": null, "expectedVersion": 2 })).await;
    assert_eq!(cleared.data()["updateProfile"]["user"]["bio"], Value::Null);
    let late = update(&own, json!({ "name": "Late", "expectedVersion": 2 })).await;
    assert_eq!(late.expect_code("CONFLICT")["currentVersion"], 3);
    for (input, field) in [
        (json!({ "name": null }), "name"),
        (json!({ "name": "  " }), "name"),
        (json!({ "name": "é".repeat(101) }), "name"),
        (json!({ "bio": "x".repeat(1001) }), "bio"),
        (json!({ "bio": "a\u{7}b" }), "bio"),
    ] {
        let refused = update(&own, input.clone()).await;
        let extensions = refused.expect_code("VALIDATION");
        assert_eq!(extensions["violations"][0]["field"], field, "{input}");
    }
    update(&client.anonymous(), json!({ "name": "X" }))
        .await
        .expect_code("UNAUTHENTICATED");
    let found = find(client, &ada.id).await;
    assert_eq!(
        (&found["name"], &found["version"]),
        (&json!("Ada L."), &json!(3))
    );
}

async fn repeats_of_an_update_are_recognized(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let document =
        "mutation { updateProfile(input: { name: \"Once\" }) { user { id name email version } } }";
    let headers = [("idempotency-key", "key-1")];
    let own = ada.client(client);
    let first = own.run_with(document, json!({}), &headers).await;
    assert_eq!(first.data()["updateProfile"]["user"]["version"], 2);
    update(&own, json!({ "name": "Twice" })).await.data();
    let again = own.run_with(document, json!({}), &headers).await;
    assert_eq!(again.data(), first.data());
}

async fn addresses_are_for_their_owners_and_staff(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let bob = people::register(client, "Bob").await;
    let staff = people::with_role(client, "STAFF").await;
    let seen = async |viewer: &Client, user: &Person| find(viewer, &user.id).await["email"].clone();
    assert_eq!(seen(&ada.client(client), &ada).await, json!(ada.email));
    assert_eq!(seen(&ada.client(client), &bob).await, Value::Null);
    assert_eq!(seen(&staff.client(client), &ada).await, json!(ada.email));
    assert_eq!(seen(client, &ada).await, json!(ada.email));
    let list = "{ users(first: 100) { nodes { id email } } }";
    let listed = ada.client(client).run(list, json!({})).await;
    let nodes = listed.data()["users"]["nodes"]
        .as_array()
        .expect("nodes")
        .clone();
    assert!(nodes.len() >= 4);
    for node in nodes {
        assert_eq!(
            node["email"].is_string(),
            node["id"] == json!(ada.id),
            "{node}"
        );
    }
}

/// One document, three ways to see it: subscribers who share an execution must not share what is personal.
async fn shared_subscriptions_do_not_share_addresses(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let bob = people::register(client, "Bob").await;
    let staff = people::with_role(client, "STAFF").await;
    let other = &app.gateways[app.gateways.len() - 1].client;
    let viewers = [
        (ada.client(client), true),
        (bob.client(client), false),
        (bob.client(other), false),
        (staff.client(client), true),
        (staff.client(other), true),
    ];
    let start = client.head().await;
    let mut sockets = Vec::new();
    for (viewer, _) in &viewers {
        let mut socket = viewer.socket().await;
        let variables = json!({ "id": ada.id, "after": start });
        socket.subscribe("1", CHANGES, variables).await;
        sockets.push(socket);
    }
    for version in 2..=5 {
        update(
            &ada.client(client),
            json!({ "name": format!("Ada {version}") }),
        )
        .await
        .data();
        for (socket, (_, sees)) in sockets.iter_mut().zip(&viewers) {
            let payload = socket.payload("1").await;
            assert!(payload.get("errors").is_none(), "{payload}");
            let change = &payload["data"]["userChanged"];
            assert_eq!(
                (&change["version"], &change["type"], &change["actor"]["id"]),
                (&json!(version), &json!("PROFILE_UPDATED"), &json!(ada.id))
            );
            let email = if *sees { json!(ada.email) } else { Value::Null };
            assert_eq!(change["user"]["email"], email, "{change}");
        }
    }
}

async fn histories_are_for_their_owners_and_staff(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let ada = people::register(client, "Ada").await;
    let bob = people::register(client, "Bob").await;
    let staff = people::with_role(client, "STAFF").await;
    update(&ada.client(client), json!({ "name": "Ada L." }))
        .await
        .data();
    people::change_password(&ada.client(client), &ada.password, "another password")
        .await
        .data();
    people::set_role(client, &ada.id, "STAFF").await.data();
    people::set_role(client, &ada.id, "MEMBER").await.data();
    for viewer in [ada.client(client), staff.client(client), client.clone()] {
        let answer = history(&viewer, &ada.id).await;
        let nodes = answer.data()["node"]["history"]["nodes"]
            .as_array()
            .expect("nodes")
            .clone();
        let told: Vec<_> = nodes
            .iter()
            .map(|node| {
                (
                    node["type"].as_str().expect("a type"),
                    node["actor"]["id"].as_str().expect("an actor"),
                )
            })
            .collect();
        let admin = setup.admin().id.as_str();
        assert_eq!(
            told,
            [
                ("UserRegistered", ada.id.as_str()),
                ("UserProfileUpdated", ada.id.as_str()),
                ("UserPasswordChanged", ada.id.as_str()),
                ("UserRoleChanged", admin),
                ("UserRoleChanged", admin),
            ]
        );
        let text = answer.http.text();
        assert!(
            !text.contains("argon2") && !text.contains(&ada.password),
            "{text}"
        );
    }
    history(&bob.client(client), &ada.id)
        .await
        .expect_code("FORBIDDEN");
    history(&client.anonymous(), &ada.id)
        .await
        .expect_code("UNAUTHENTICATED");
}

tests::both_ways!(
    new_users_are_members,
    profiles_are_changed_by_their_owners,
    repeats_of_an_update_are_recognized,
    addresses_are_for_their_owners_and_staff,
    shared_subscriptions_do_not_share_addresses,
    histories_are_for_their_owners_and_staff,
);
