//! Erasing what is personal to a user: written everywhere, it is found nowhere afterwards, and what others wrote is still
//! there; also when the process that does it is killed again and again.

mod disturbed;
mod reading;

use std::path::PathBuf;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::people::{self, Person};
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::{Running, Setup, Way, eventually};

use super::{SOON, markers, run};
use crate::posts::api as posts;

/// In lower case, as some columns are.
const MARKER: &str = "zq7marker";

struct Scene {
    setup: Setup,
    app: Running,
    redis: Option<Redis>,
    database: DatabaseConnection,
    archive: PathBuf,
}

impl Scene {
    async fn begin(way: Way) -> Self {
        let (mut setup, redis) = match way {
            Way::Embedded => (Setup::embedded(), None),
            Way::Distributed => {
                let redis = Redis::start();
                (
                    Setup::distributed_on(Postgres::shared(), &redis),
                    Some(redis),
                )
            }
        };
        let archive = setup.directory.join("archive");
        setup
            .settings
            .set("MILLRACE_ARCHIVE", &archive.display().to_string());
        setup.settings.set("MILLRACE_ERASURE_SETTLE", "2s");
        setup.settings.set("MILLRACE_LEASE", "1000ms");
        let app = setup.start_many(2, 1, &[]);
        let database = setup.database().await;
        Self {
            setup,
            app,
            redis,
            database,
            archive,
        }
    }

    fn archive_all(&self) {
        let to = self.archive.display().to_string();
        run(&self.setup, "archive", &["--older-than", "0s", "--to", &to]);
    }

    async fn find(&self, text: &str) -> Vec<String> {
        markers::find(
            &self.setup,
            &self.database,
            self.redis.as_ref(),
            &self.archive,
            text,
        )
        .await
    }

    /// The process that erases is killed, and stood in for.
    fn kill_worker(&mut self) {
        tokio::task::block_in_place(|| match self.app.workers.pop() {
            Some(mut workers) => {
                workers.kill();
                self.app.workers.push(self.setup.workers(&[]));
            }
            None => self.app.gateways[0].kill_and_restart(),
        });
    }
}

async fn run_document(client: &Client, document: &str, input: Value, key: &str) -> Value {
    let headers = [("idempotency-key", key), ("x-request-id", key)];
    let answer = client
        .run_with(document, json!({ "input": input }), &headers)
        .await;
    answer.data().clone()
}

async fn register(client: &Client) -> Person {
    let document = "mutation($input: RegisterInput!) { register(input: $input) { session { accessToken refreshToken } user { id name } } }";
    let email = format!("{MARKER}@example.com");
    let password = "a password of their own";
    let input = json!({
        "name": format!("Ada {MARKER}"), "username": MARKER, "email": email, "password": password,
    });
    let anonymous = client.anonymous();
    let registered = run_document(&anonymous, document, input, &format!("register-{MARKER}")).await;
    let registered = &registered["register"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    Person {
        id: text(&registered["user"]["id"]),
        name: text(&registered["user"]["name"]),
        email,
        password: password.to_owned(),
        access_token: text(&registered["session"]["accessToken"]),
        refresh_token: text(&registered["session"]["refreshToken"]),
    }
}

/// What was written, by whom it is to be erased and by others.
struct Written {
    person: Person,
    friend: Client,
    chat: String,
    own_post: Value,
    other_post: Value,
}

async fn write_everywhere(scene: &Scene) -> Written {
    let admin = scene.app.client();
    let person = register(admin).await;
    let ada = person.client(admin);
    let friend = people::register(admin, "Friend").await;
    let bob = friend.client(admin);
    let key = |what: &str| format!("{what}-{MARKER}");

    let profile =
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { user { id } } }";
    let bio = json!({ "bio": format!("I am {MARKER}") });
    run_document(&ada, profile, bio, &key("profile")).await;
    let role = "mutation($input: SetRoleInput!) { setRole(input: $input) { user { id } } }";
    let input = json!({ "id": person.id, "role": "STAFF" });
    run_document(admin, role, input, "by-the-administrator").await;

    let create = "mutation($input: CreateChatInput!) { createChat(input: $input) { chat { id } } }";
    let input = json!({ "kind": "DIRECT", "memberIds": [friend.id] });
    let chat =
        run_document(&ada, create, input, &key("chat")).await["createChat"]["chat"]["id"].clone();
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id text } } }";
    let say = async |client: &Client, text: &str, key: &str| {
        let input = json!({ "chatId": chat, "text": text });
        run_document(client, send, input, key).await["sendMessage"]["message"]["id"].clone()
    };
    let first = say(&ada, &format!("first {MARKER}"), &key("first")).await;
    say(&bob, "friendly words", "friendly").await;
    let edit =
        "mutation($input: UpdateMessageInput!) { updateMessage(input: $input) { message { id } } }";
    let input = json!({ "id": first, "text": format!("edited {MARKER}") });
    run_document(&ada, edit, input, &key("edit")).await;
    let second = say(&ada, &format!("second {MARKER}"), &key("second")).await;
    let delete =
        "mutation($input: DeleteMessageInput!) { deleteMessage(input: $input) { message { id } } }";
    run_document(&ada, delete, json!({ "id": second }), &key("delete")).await;

    let own = posts::send_with_key(
        &ada,
        "createPost",
        json!({ "message": format!("post {MARKER}") }),
        Some(&key("post")),
    )
    .await;
    let own = own.data()["createPost"]["post"].clone();
    let edited = json!({ "id": own["id"], "message": format!("edited post {MARKER}") });
    posts::apply(&ada, "updatePost", edited).await;
    posts::comment(&bob, &own, "a friendly comment").await;
    let other = posts::create(&bob, "a friendly post").await;
    let comment = posts::comment(&ada, &other, &format!("comment {MARKER}")).await;
    let edited = json!({ "id": comment["id"], "text": format!("edited comment {MARKER}") });
    posts::apply(&ada, "updateComment", edited).await;
    let removed = posts::comment(&ada, &other, &format!("removed {MARKER}")).await;
    let input = json!({ "id": removed["id"] });
    posts::apply(&ada, "deleteComment", input).await;
    // Somebody looks at it, so that every process has it at hand.
    for client in [&bob, admin] {
        for (post, version) in [(&own, 2), (&other, 3)] {
            posts::find_at(client, &post["id"], version).await;
        }
    }
    let liked = posts::like(&bob, &own).await;
    posts::becomes(&bob, &liked).await;
    Written {
        person,
        friend: bob,
        chat: chat.as_str().expect("an id").to_owned(),
        own_post: own,
        other_post: other,
    }
}

const ERASE: &str = "mutation($input: EraseUserInput!) { eraseUser(input: $input) { erasure { user { id } requestedBy { ... on User { id } } requestedAt finishedAt steps { place doneAt } } } }";
const STATUS: &str = "query($id: ID!) { erasure(userId: $id) { finishedAt eventsRedacted rowsErased filesRewritten logProgress steps { place doneAt } } \
    erasures { user { id } } }";

async fn await_end(scene: &Scene, id: &str) -> Value {
    eventually("the erasure ends", SOON, async || {
        let answer = scene.app.client().run(STATUS, json!({ "id": id })).await;
        let erasure = answer.data()["erasure"].clone();
        erasure["finishedAt"].is_string().then_some(erasure)
    })
    .await
}

async fn nothing_is_left(way: Way, kills: u32) {
    let mut scene = Scene::begin(way).await;
    let admin = scene.app.client().clone();
    let start = admin.head().await;
    let written = write_everywhere(&scene).await;
    scene.archive_all();
    let everywhere = scene.find(MARKER).await;
    let places = ["app_user", "event", "chat_message", "post", "idempotency"];
    if scene.setup.is_distributed() {
        for place in places {
            let found = everywhere
                .iter()
                .any(|it| it.starts_with(&format!("{place}:")));
            assert!(found, "the marker is not in {place}");
        }
        assert!(everywhere.iter().any(|it| it.contains("in Redis")));
    }
    assert!(everywhere.iter().any(|it| it.starts_with("archive:")));

    let id = written.person.id.clone();
    let input = json!({ "input": { "id": id } });
    let active = admin.run(ERASE, input.clone()).await;
    active.expect_code("CONFLICT");
    let deactivate =
        "mutation($input: DeactivateUserInput!) { deactivateUser(input: $input) { user { id } } }";
    run_document(&admin, deactivate, json!({ "id": id }), "deactivate").await;
    let denied = written.friend.run(ERASE, input.clone()).await;
    denied.expect_code("FORBIDDEN");
    let erasure = admin.run(ERASE, input.clone()).await.data()["eraseUser"]["erasure"].clone();
    assert_eq!(erasure["user"]["id"], id.as_str());
    assert!(erasure["requestedBy"]["id"].is_string(), "{erasure}");
    for turn in 0..kills {
        tokio::time::sleep(std::time::Duration::from_millis(u64::from(turn) * 40)).await;
        scene.kill_worker();
    }
    let ended = await_end(&scene, &id).await;
    println!("{ended}");
    let steps = ended["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 6);
    assert!(
        steps.iter().all(|step| step["doneAt"].is_string()),
        "{ended}"
    );
    assert!(ended["eventsRedacted"].as_u64() >= Some(8), "{ended}");
    assert!(ended["filesRewritten"].as_u64() >= Some(1), "{ended}");

    let left = scene.find(MARKER).await;
    assert!(left.is_empty(), "{left:#?}");
    let said = reading::read_everything(&scene, &written, &start).await;
    assert!(!said.contains(MARKER), "the API: {said}");
    for kept in [
        "friendly words",
        "a friendly comment",
        "a friendly post",
        "[erased]",
    ] {
        assert!(said.contains(kept), "{kept} is gone: {said}");
    }
    // What is back, from wherever, is erased when that is asked for again.
    let data = match scene.setup.is_distributed() {
        true => "replace(data::text, '[erased]', 'zq7marker')::json",
        false => "replace(data, '[erased]', 'zq7marker')",
    };
    let back = format!("update event set data = {data} where stream = 'post'");
    // The search has read the files of SQLite, and closing them ended the locks of the connection that is there.
    let database = scene.setup.database().await;
    let brought = database.execute_unprepared(&back).await;
    brought.expect("it is back");
    assert!(!scene.find(MARKER).await.is_empty());
    admin.run(ERASE, input).await.data();
    await_end(&scene, &id).await;
    let left = scene.find(MARKER).await;
    assert!(left.is_empty(), "{left:#?}");
    // A repeat of what somebody else had asked for is answered as before, without what was erased.
    let role =
        "mutation($input: SetRoleInput!) { setRole(input: $input) { user { id name role } } }";
    let repeat = json!({ "id": id, "role": "STAFF" });
    let headers = [("idempotency-key", "by-the-administrator")];
    let again = admin
        .run_with(role, json!({ "input": repeat }), &headers)
        .await;
    assert!(!again.http.text().contains(MARKER), "{}", again.http.text());
    // A rebuild and a fold of what was redacted agree, so every redacted event can still be read.
    let printed = run(&scene.setup, "rebuild", &["posts"]);
    assert!(printed.contains("equal, row by row"), "{printed}");
    assert!(scene.find(MARKER).await.is_empty());
    // The address is free again.
    let anew = "mutation($input: RegisterInput!) { register(input: $input) { user { id } } }";
    let input = json!({ "name": "Anew", "email": format!("{MARKER}@example.com"), "password": "another long password" });
    let registered = admin.anonymous().run(anew, json!({ "input": input })).await;
    assert_ne!(registered.data()["register"]["user"]["id"], id.as_str());
}

async fn nothing_is_left_anywhere(setup: Setup) {
    nothing_is_left(setup.way, 0).await;
}

async fn nothing_is_left_although_it_was_killed(setup: Setup) {
    nothing_is_left(setup.way, 6).await;
}

/// An archive that no worker knows is brought up to date by whoever writes to it.
async fn other_archives_follow(setup: Setup) {
    let mut scene = Scene::begin(setup.way).await;
    let other = scene.setup.directory.join("other");
    let to = other.display().to_string();
    let written = write_everywhere(&scene).await;
    run(
        &scene.setup,
        "archive",
        &["--older-than", "0s", "--to", &to],
    );
    let admin = scene.app.client().clone();
    people::deactivate(&admin, Some(&written.person.id))
        .await
        .data();
    let input = json!({ "input": { "id": written.person.id } });
    admin.run(ERASE, input).await.data();
    await_end(&scene, &written.person.id).await;
    let archive = std::mem::replace(&mut scene.archive, other.clone());
    assert!(!archive.join("manifest.json").exists() || archive != other);
    assert!(!scene.find(MARKER).await.is_empty(), "it does not know yet");
    let printed = run(
        &scene.setup,
        "archive",
        &["--older-than", "0s", "--to", &to],
    );
    assert!(printed.contains("written anew"), "{printed}");
    let left = scene.find(MARKER).await;
    assert!(left.is_empty(), "{left:#?}");
}

/// A restore or a failover begins an epoch, whose archive is another one.
async fn archives_of_all_epochs_are_erased(setup: Setup) {
    let scene = Scene::begin(setup.way).await;
    let written = write_everywhere(&scene).await;
    let admin = scene.app.client().clone();
    scene.archive_all();
    // Beside the archives of epochs there is what a disk or an operator puts there.
    let unreadable = scene.archive.join("lost+found/manifest.json");
    std::fs::create_dir_all(unreadable).expect("a folder");
    let begin = ["--begin", "--reason", "the disk was exchanged"];
    run(&scene.setup, "epoch", &begin);
    let ada = written.person.client(&admin);
    let again = format!("again {MARKER}");
    eventually("it is written in the new epoch", SOON, async || {
        let input = json!({ "message": again });
        let sent = posts::send(&ada, "createPost", input).await;
        sent.code().is_none().then_some(())
    })
    .await;
    scene.archive_all();
    let everywhere = scene.find(&again).await;
    let archived = everywhere.iter().filter(|it| it.starts_with("archive:"));
    assert_eq!(archived.count(), 1, "{everywhere:?}");
    let everywhere = scene.find(&format!("first {MARKER}")).await;
    assert!(everywhere.iter().any(|it| it.starts_with("archive:")));
    let to = scene.archive.display().to_string();
    let prune = ["--older-than", "0s", "--archived-in", &to];
    run(&scene.setup, "prune", &prune);
    people::deactivate(&admin, Some(&written.person.id))
        .await
        .data();
    let input = json!({ "input": { "id": written.person.id } });
    admin.run(ERASE, input).await.data();
    await_end(&scene, &written.person.id).await;
    let left = scene.find(MARKER).await;
    assert!(left.is_empty(), "{left:#?}");
}

tests::both_ways!(
    archives_of_all_epochs_are_erased,
    nothing_is_left_anywhere,
    nothing_is_left_although_it_was_killed,
    other_archives_follow,
);
