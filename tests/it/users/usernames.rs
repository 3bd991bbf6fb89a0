//! Usernames: whose they are, how users are found by them, and what versions that do not know them leave of them.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::people::{self, Person};
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

const UPDATE: &str = "mutation Update($input: UpdateProfileInput!) { updateProfile(input: $input) { user { username version } } }";
const LIST: &str = "query List($first: Int, $after: String, $filter: UserFilter, $sort: UserSort) { \
    users(first: $first, after: $after, filter: $filter, sort: $sort) { \
    nodes { username } pageInfo { hasNextPage endCursor } totalCount } }";

async fn choose(client: &Client, username: Value) -> Answer {
    let input = json!({ "username": username });
    client.run(UPDATE, json!({ "input": input })).await
}

async fn list(client: &Client, variables: Value) -> Vec<Value> {
    let answer = client.run(LIST, variables).await;
    let nodes = answer.data()["users"]["nodes"].as_array().cloned();
    let nodes = nodes.expect("nodes").into_iter();
    nodes.map(|node| node["username"].clone()).collect()
}

async fn named(client: &Client, name: &str, username: &str) -> Person {
    let person = people::register(client, name).await;
    choose(&person.client(client), json!(username)).await.data();
    person
}

async fn a_username_belongs_to_one_user(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let document =
        "mutation($input: RegisterInput!) { register(input: $input) { user { username } } }";
    let register = async |username: &str, email: &str| {
        let input = json!({
            "name": "Ada", "username": username, "email": email, "password": "knit a blue hat",
        });
        let anonymous = client.anonymous();
        anonymous.run(document, json!({ "input": input })).await
    };
    let registered = register(" Ada_L ", "ada@example.org").await;
    let username = &registered.data()["register"]["user"]["username"];
    assert_eq!(username, "ada_l");
    let refused = register("ADA_L", "other@example.org").await;
    assert_eq!(refused.expect_code("CONFLICT")["field"], "username");
    let refused = register("a-b", "other@example.org").await;
    let violation = &refused.expect_code("VALIDATION")["violations"][0];
    assert_eq!(
        (&violation["field"], &violation["code"]),
        (&json!("username"), &json!("characters"))
    );

    let bob = people::register(client, "Bob").await.client(client);
    choose(&bob, json!("ada_l")).await.expect_code("CONFLICT");
    let unchanged = people::me_at_version(&bob).await;
    assert_eq!(unchanged["version"], 1, "what was refused changed nothing");
    let chosen = choose(&bob, json!("bob")).await;
    let user = &chosen.data()["updateProfile"]["user"];
    assert_eq!(
        (&user["username"], &user["version"]),
        (&json!("bob"), &json!(2))
    );
    let same = choose(&bob, json!("BOB")).await;
    assert_eq!(same.data()["updateProfile"]["user"]["version"], 2);
    // One that is changed or given up is free.
    choose(&bob, json!("bobby")).await.data();
    let carol = people::register(client, "Carol").await.client(client);
    choose(&carol, json!("bob")).await.data();
    choose(&carol, Value::Null).await.data();
    choose(&bob, json!("bob")).await.data();
    let kept = bob
        .run(UPDATE, json!({ "input": { "name": "Robert" } }))
        .await;
    assert_eq!(kept.data()["updateProfile"]["user"]["username"], "bob");
}

async fn of_two_at_once_one_gets_it(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut people = Vec::new();
    for number in 0..6 {
        people.push(people::register(client, &format!("P{number}")).await);
    }
    let asked = people.iter().map(|person| {
        let own = person.client(client);
        async move { choose(&own, json!("wanted")).await }
    });
    let answers = futures::future::join_all(asked).await;
    let (got, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.code().is_none());
    assert_eq!((got.len(), refused.len()), (1, 5));
    for answer in refused {
        answer.expect_code("CONFLICT");
    }
}

async fn users_are_found_by_username(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let mut named_ones = Vec::new();
    for (name, username) in [
        ("Ada Lovelace", "countess"),
        ("Alan Turing", "alan"),
        ("Alonzo Church", "lambda"),
    ] {
        named_ones.push(named(client, name, username).await);
    }
    people::register(client, "Nobody").await;
    let sort = json!({ "field": "USERNAME", "direction": "ASC" });
    for (filter, expected) in [
        (json!({ "username": { "eq": " Alan" } }), json!(["alan"])),
        (json!({ "username": { "eq": "ala" } }), json!([])),
        (
            json!({ "username": { "startsWith": "LAM" } }),
            json!(["lambda"]),
        ),
        (
            json!({ "username": { "in": ["alan", "countess"] } }),
            json!(["alan", "countess"]),
        ),
        (
            json!({ "username": { "isNull": false } }),
            json!(["alan", "countess", "lambda"]),
        ),
        (
            json!({ "not": { "username": { "startsWith": "a" } }, "search": "l" }),
            json!(["countess", "lambda"]),
        ),
        // The search finds parts of names, and beginnings of usernames.
        (json!({ "search": "count" }), json!(["countess"])),
        (json!({ "search": "@count" }), json!(["countess"])),
        (json!({ "search": "ount" }), json!([])),
        (
            json!({ "search": "la" }),
            json!(["alan", "countess", "lambda"]),
        ),
    ] {
        let variables = json!({ "filter": filter, "sort": sort });
        let answer = client.run(LIST, variables.clone()).await;
        let total = &answer.data()["users"]["totalCount"];
        assert_eq!(json!(list(client, variables).await), expected, "{filter}");
        assert_eq!(Some(total), Some(&json!(expected.as_array().map(Vec::len))));
    }
    people::set_role(client, &named_ones[1].id, "STAFF")
        .await
        .data();
    // Whoever has none comes first, and pages go on behind them.
    let none = Value::Null;
    for (field, direction, expected) in [
        (
            "USERNAME",
            "ASC",
            json!([none, none, "alan", "countess", "lambda"]),
        ),
        (
            "USERNAME",
            "DESC",
            json!(["lambda", "countess", "alan", none, none]),
        ),
        (
            "UPDATED_AT",
            "ASC",
            json!([none, "countess", "lambda", none, "alan"]),
        ),
        (
            "UPDATED_AT",
            "DESC",
            json!(["alan", none, "lambda", "countess", none]),
        ),
    ] {
        let sort = json!({ "field": field, "direction": direction });
        let mut seen = Vec::new();
        let mut after = Value::Null;
        loop {
            let variables = json!({ "first": 1, "after": after, "sort": sort });
            let answer = client.run(LIST, variables).await;
            let page = &answer.data()["users"];
            seen.push(page["nodes"][0]["username"].clone());
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(json!(seen), expected, "{field} {direction}");
    }
}

/// A version before writes rows and events without what it does not know, and erases a user as it always did.
async fn versions_before_lose_nothing_and_erase_all(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let before = client.run("{ __typename }", json!({})).await.cursor();
    let ada = named(client, "Ada", "countess").await;
    let store = setup.database().await;
    let run = async |sql: String| {
        let done = store.execute_unprepared(&sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    };
    let id = tests::ids::uuid_digits(&ada.id).expect("an id");
    let is_postgres = database::is_postgres(&store);
    let id = match is_postgres {
        true => format!("'{id}'"),
        false => format!("x'{id}'"),
    };
    // As such a version would have written them.
    let without = match is_postgres {
        true => "(data::jsonb #- '{user,username}' #- '{user,avatar}')::json",
        false => "json_remove(data, '$.user.username', '$.user.avatar')",
    };
    run(format!(
        "update event set schema_version = 2, data = {without} where stream = 'user' and stream_id = {id}"
    ))
    .await;
    drop(app);
    let app = setup.start();
    let client = app.client();
    let document = "subscription($id: ID!, $after: String) { userChanged(id: $id, after: $after) { version user { username } } }";
    let mut socket = client.socket().await;
    let variables = json!({ "id": ada.id, "after": before });
    socket.subscribe("1", document, variables).await;
    for version in [1, 2] {
        let change = socket.payload("1").await["data"]["userChanged"].clone();
        let expected = json!({ "version": version, "user": { "username": "countess" } });
        assert_eq!(change, expected);
    }

    run(format!("delete from user_password where user_id = {id}")).await;
    let rows = "select count(*) as number from username";
    assert_eq!(database::number(&store, rows).await, 0);
    let rows = "select count(*) as number from app_user where username is not null";
    assert_eq!(database::number(&store, rows).await, 0);
    let bob = people::register(client, "Bob").await.client(client);
    eventually("the username is free", SOON, async || {
        choose(&bob, json!("countess"))
            .await
            .code()
            .is_none()
            .then_some(())
    })
    .await;
}

tests::both_ways!(
    a_username_belongs_to_one_user,
    of_two_at_once_one_gets_it,
    users_are_found_by_username,
    versions_before_lose_nothing_and_erase_all,
);
