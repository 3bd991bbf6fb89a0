//! A random search: queries of all domains are watched by several people, on all gateways, while random mutations are made. In the end every
//! watcher has what the query answers, put together from patches or not; and no object ever went back to an earlier version.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::live::{Watch, Watched};
use tests::waiting::SOON;
use tests::{Setup, chats, customers, eventually, extent, people, students};

use super::{apply, post};

/// What is made as the test goes on.
#[derive(Default)]
struct World {
    customers: Vec<Value>,
    deleted: Vec<Value>,
    students: Vec<Value>,
    posts: Vec<Value>,
    chats: Vec<String>,
    made: usize,
}

/// What is watched, and what the watcher has.
struct Watching {
    client: Client,
    document: String,
    state: Arc<Mutex<Watched>>,
    task: tokio::task::JoinHandle<()>,
}

fn chosen<T>(all: &[T]) -> Option<&T> {
    (!all.is_empty()).then(|| &all[fastrand::usize(..all.len())])
}

/// Some of these fields, at least one.
fn some(fields: &[&str]) -> String {
    let taken: Vec<_> = fields
        .iter()
        .filter(|_| fastrand::bool())
        .copied()
        .collect();
    match taken.is_empty() {
        true => fields[0].to_owned(),
        false => taken.join(" "),
    }
}

fn selection(world: &World) -> String {
    let id = |all: &[Value]| chosen(all).map_or_else(|| "\"none\"".to_owned(), Value::to_string);
    let first = fastrand::usize(1..12);
    let person = some(&["name", "bio", "role", "version"]);
    let customer = some(&["name", "email", "phone", "status", "updatedAt"]);
    let comments = "comments(last: 3) { nodes { id text author { name } } }";
    let of_post = some(&[
        "likeCount",
        "likedByMe",
        "message",
        "commentCount",
        "author { id name }",
        comments,
    ]);
    let status = ["PROSPECT", "ACTIVE", "SUSPENDED"][fastrand::usize(..3)];
    match fastrand::u8(..13) {
        0 => format!("customer(id: {}) {{ id version {customer} }}", id(&world.customers)),
        1 => format!("customers(first: {first}) {{ totalCount nodes {{ id version {customer} }} }}"),
        2 => format!("customers(first: {first}, filter: {{ status: {{ in: [{status}] }} }}, sort: {{ field: NAME, direction: ASC }}) \
            {{ totalCount pageInfo {{ hasNextPage }} nodes {{ id version {customer} }} }}"),
        3 => format!("customers(filter: {{ deletedAt: {{ isNull: false }} }}) {{ nodes {{ id {customer} }} }}"),
        4 => "customerStatistics { total byStatus { status count } }".to_owned(),
        5 => format!("students(first: {first}) {{ totalCount nodes {{ id version name year }} }}"),
        6 => format!("posts(first: {first}) {{ nodes {{ id version {of_post} }} }}"),
        7 => format!("post(id: {}) {{ id version {of_post} }}", id(&world.posts)),
        8 => format!("posts(filter: {{ likeCount: {{ gte: 1 }} }}) {{ totalCount nodes {{ id {of_post} }} }}"),
        9 => "chats { nodes { id version title unreadCount lastMessage { text author { name } } members { user { name } } } }"
            .to_owned(),
        10 => format!("users(first: {first}) {{ totalCount nodes {{ id {person} }} }}"),
        11 => format!("node(id: {}) {{ id ... on Customer {{ {customer} }} }}", id(&world.customers)),
        _ => format!("me {{ id {person} history(first: 50) {{ nodes {{ type version }} }} }}"),
    }
}

async fn watch(client: &Client, world: &World) -> Watching {
    let fields: Vec<_> = (0..fastrand::usize(1..4))
        .map(|number| format!("f{number}: {}", selection(world)))
        .collect();
    let (patch, throttle) = (fastrand::bool(), [10, 100, 300][fastrand::usize(..3)]);
    let document = format!(
        "query @live(patch: {patch}, throttle: {throttle}) {{ {} }}",
        fields.join(" ")
    );
    let mut watch = Watch::open(client, &document, json!({})).await;
    let state = Arc::new(Mutex::new(watch.state().clone()));
    let told = state.clone();
    let task = tokio::spawn(async move {
        let mut versions = HashMap::new();
        check_versions(watch.data(), "", &mut versions);
        loop {
            watch.next_ever().await;
            check_versions(watch.data(), "", &mut versions);
            *told.lock() = watch.state().clone();
        }
    });
    Watching {
        client: client.clone(),
        document,
        state,
        task,
    }
}

/// Fails if a field shows an object in an earlier version than before.
fn check_versions(value: &Value, field: &str, known: &mut HashMap<(String, String), i64>) {
    match value {
        Value::Array(items) => {
            for item in items {
                check_versions(item, field, known);
            }
        }
        Value::Object(fields) => {
            if let (Some(id), Some(version)) = (value["id"].as_str(), value["version"].as_i64()) {
                let known = known.entry((field.to_owned(), id.to_owned())).or_default();
                assert!(version >= *known, "{id} went from {known} to {version}");
                *known = version;
            }
            for (name, value) in fields {
                let is_root = field.is_empty();
                check_versions(value, if is_root { name } else { field }, known);
            }
        }
        _ => {}
    }
}

async fn mutate(world: &mut World, admin: &Client, members: &[Client]) {
    world.made += 1;
    let number = world.made;
    let member = &members[fastrand::usize(..members.len())];
    let email = format!("r{number}@example.com");
    let status = ["PROSPECT", "ACTIVE", "SUSPENDED", "CLOSED"][fastrand::usize(..4)];
    let (name, text) = (format!("N{}", fastrand::u8(..)), format!("text {number}"));
    match fastrand::u8(..16) {
        0 | 1 => {
            let input = json!({ "name": name, "email": email, "status": status });
            world
                .customers
                .push(customers::apply(admin, "create", input).await["id"].clone());
        }
        2 | 3 => {
            if let Some(id) = chosen(&world.customers) {
                let input = json!({ "id": id, "name": name, "status": status });
                customers::apply(admin, "update", input).await;
            }
        }
        4 if !world.customers.is_empty() => {
            let id = world
                .customers
                .swap_remove(fastrand::usize(..world.customers.len()));
            customers::apply(admin, "delete", json!({ "id": id })).await;
            world.deleted.push(id);
        }
        5 => {
            if let Some(id) = world.deleted.pop() {
                customers::apply(admin, "restore", json!({ "id": id })).await;
                world.customers.push(id);
            }
        }
        6 => world
            .students
            .push(students::create(admin, &name, &email).await["id"].clone()),
        7 => {
            if let Some(id) = chosen(&world.students) {
                students::apply(
                    admin,
                    "update",
                    json!({ "id": id, "year": fastrand::u8(1..20) }),
                )
                .await;
            }
        }
        8 => world.posts.push(post(member, &text).await),
        9 | 10 => {
            if let Some(id) = chosen(&world.posts) {
                let field = if fastrand::u8(..3) == 0 {
                    "unlikePost"
                } else {
                    "likePost"
                };
                apply(member, field, "__typename", json!({ "id": id })).await;
            }
        }
        11 => {
            if let Some(id) = chosen(&world.posts) {
                apply(
                    member,
                    "addComment",
                    "__typename",
                    json!({ "postId": id, "text": text }),
                )
                .await;
            }
        }
        12 if world.posts.len() > 3 => {
            let id = world
                .posts
                .swap_remove(fastrand::usize(..world.posts.len()));
            apply(admin, "deletePost", "__typename", json!({ "id": id })).await;
        }
        13 => {
            if let Some(chat) = chosen(&world.chats) {
                chats::say(member, chat, &text).await;
                let reader = &members[fastrand::usize(..members.len())];
                apply(reader, "markChatRead", "__typename", json!({ "id": chat })).await;
            }
        }
        14 => {
            if let Some(chat) = chosen(&world.chats) {
                apply(
                    member,
                    "renameChat",
                    "__typename",
                    json!({ "id": chat, "title": name }),
                )
                .await;
            }
        }
        _ => {
            apply(
                member,
                "updateProfile",
                "__typename",
                json!({ "name": name, "bio": text }),
            )
            .await;
        }
    }
}

async fn every_watcher_comes_to_the_answer(setup: Setup) {
    let seed = std::env::var("LIVE_SEED")
        .map_or_else(|_| fastrand::u64(..), |it| it.parse().expect("a number"));
    println!("LIVE_SEED={seed}");
    fastrand::seed(seed);
    let app = setup.start_many(2, 2, &[]);
    let admin = app.client();
    let (ada, bob) = (
        people::register(admin, "Ada").await,
        people::register(admin, "Bob").await,
    );
    let members = [ada.client(admin), bob.client(admin)];
    let mut world = World::default();
    for title in ["One", "Two", "Three"] {
        world
            .chats
            .push(chats::create_group(&members[0], title, &[&bob.id]).await);
    }
    for _ in 0..20 {
        mutate(&mut world, admin, &members).await;
    }
    let (watchers, mutations) = extent::of((16, 300), (80, 5_000));
    let mut watching = Vec::new();
    for number in 0..mutations {
        if watching.len() < watchers && number % 4 == 0 {
            let gateway = &app.gateways[fastrand::usize(..app.gateways.len())];
            let people = [
                &gateway.client,
                &ada.client(&gateway.client),
                &bob.client(&gateway.client),
            ];
            watching.push(watch(people[fastrand::usize(..3)], &world).await);
        }
        mutate(&mut world, admin, &members).await;
    }
    for watching in &watching {
        let what = format!("a watcher has the answer of {}", watching.document);
        eventually(&what, SOON, async || {
            assert!(
                !watching.task.is_finished(),
                "it failed: {}",
                watching.document
            );
            let answer = watching.client.run(&watching.document, json!({})).await;
            (watching.state.lock().data == answer.body["data"]).then_some(())
        })
        .await;
    }
    let states = watching.iter().map(|it| it.state.lock().clone());
    let (answers, patches) = states.fold((0, 0), |(answers, patches), it| {
        (answers + it.answers, patches + it.patches)
    });
    println!("{answers} answers, of which {patches} were patches");
    assert!(patches > 0, "some are sent as patches");
    for watching in watching {
        watching.task.abort();
    }
}

tests::both_ways!(every_watcher_comes_to_the_answer);
