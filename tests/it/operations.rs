//! Operations: the log browser and its subscription, followers and handlers with their lag, pauses, disconnecting users, dead
//! letters through the API and at the terminal, and that all of it is told in the log.

mod browsing;
mod disconnecting;
mod doctor;
mod following;
mod idle;
mod letters;
mod pausing;
mod status;
mod terminal;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::setup::Running;
use tests::waiting::SOON;
use tests::{Setup, database, eventually, ids};

const STATUS: &str = "followers { name position deadLetters lag { events seconds isEstimate } pause { pausedAt pausedBy { ... on User { id } } } \
    members { owner seenAt } parts { part position token owner leasedUntil } } \
    handlers { name waiting retrying running doneLastMinute deadLetters lag { events seconds } concurrency dependency \
    pause { pausedBy { ... on User { id } } } } breakers { dependency owner state failures }";

/// What is shown of a dead letter.
const LETTER: &str = "id consumer consumerKind position stream streamId version type errors fingerprint attempts \
    firstTriedAt lastTriedAt isParked event { data type actor { name ... on User { id } } }";

async fn mutate(client: &Client, field: &str, input: Value, shown: &str) -> Answer {
    mutate_with_key(client, field, input, shown, None).await
}

async fn mutate_with_key(
    client: &Client,
    field: &str,
    input: Value,
    shown: &str,
    key: Option<&str>,
) -> Answer {
    let (first, rest) = field.split_at(1);
    let document = format!(
        "mutation Do($input: {}{rest}Input!) {{ {field}(input: $input) {{ {shown} }} }}",
        first.to_uppercase()
    );
    let headers: Vec<_> = key
        .map(|key| ("idempotency-key", key))
        .into_iter()
        .collect();
    let variables = json!({ "input": input });
    client.run_with(&document, variables, &headers).await
}

async fn pause(client: &Client, name: &str) {
    let shown = "workerStatus { followers { name } }";
    let answer = mutate(client, "pauseWorker", json!({ "name": name }), shown).await;
    answer.data();
}

async fn resume(client: &Client, name: &str) {
    let shown = "workerStatus { followers { name } }";
    let answer = mutate(client, "resumeWorker", json!({ "name": name }), shown).await;
    answer.data();
}

async fn worker_status(client: &Client) -> Value {
    let document = format!("{{ workerStatus {{ {STATUS} }} }}");
    client.run(&document, json!({})).await.data()["workerStatus"].clone()
}

fn named(list: &Value, name: &str) -> Value {
    let mut list = list.as_array().expect("a list").iter();
    let found = list.find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}")).clone()
}

async fn follower(client: &Client, name: &str) -> Value {
    named(&worker_status(client).await["followers"], name)
}

async fn handler(client: &Client, name: &str) -> Value {
    named(&worker_status(client).await["handlers"], name)
}

/// Events that a follower has yet to apply, counted over the whole log.
async fn unapplied(database: &DatabaseConnection, follower: &str) -> u64 {
    let statement = format!(
        "select count(*) as number from event e join event_position p on p.inserted = e.inserted
         left join checkpoint k on k.follower = '{follower}' and k.part = e.part
         where p.position > coalesce(k.position, 0)"
    );
    database::number(database, &statement).await
}

/// Waits until a follower is held: events stay unapplied though others come.
async fn await_held(client: &Client, name: &str) {
    eventually("the follower is held", SOON, async || {
        create_post(client, "To see whether it is held").await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let lag = follower(client, name).await["lag"].clone();
        (lag["events"].as_u64() > Some(0)).then_some(())
    })
    .await;
}

async fn create_post(client: &Client, message: &str) -> Value {
    let document =
        "mutation($input: CreatePostInput!) { createPost(input: $input) { post { id } } }";
    let input = json!({ "input": { "message": message } });
    client.run(document, input).await.data()["createPost"]["post"]["id"].clone()
}

async fn comment(client: &Client, post: &Value, text: &str) {
    let document =
        "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
    let input = json!({ "input": { "postId": post, "text": text } });
    client.run(document, input).await.data();
}

/// The data of the operations that the log tells of, with who did them, oldest first.
async fn audited(database: &DatabaseConnection) -> Vec<(String, Value, String)> {
    let log = database::log(database).await.into_iter();
    log.filter(|entry| entry.stream == "operations")
        .map(|entry| {
            let actor = entry.meta["actor"].as_str().expect("an actor").to_owned();
            (entry.kind, entry.data, actor)
        })
        .collect()
}

/// The events of a post, with the second of them made unreadable, and what it was.
struct Poisoned {
    post: Value,
    data: String,
    condition: String,
    is_postgres: bool,
}

impl Poisoned {
    async fn write(&self, database: &DatabaseConnection, data: &str) {
        let cast = if self.is_postgres { "::json" } else { "" };
        let sql = format!(
            "update event set data = '{}'{cast} where {}",
            data.replace('\'', "''"),
            self.condition
        );
        let done = database.execute_unprepared(&sql).await.expect("an update");
        assert_eq!(done.rows_affected(), 1);
    }

    async fn repair(&self, database: &DatabaseConnection) {
        self.write(database, &self.data).await;
    }
}

/// The followers of posts are held, so that nobody has read what is made unreadable.
const HELD: [&str; 2] = ["posts", "posts_trending"];

/// A post with five comments, the second of which can no longer be read. Whoever follows has to read it from the database, as
/// all processes are started anew.
async fn poison(setup: &Setup, app: &mut Running, database: &DatabaseConnection) -> Poisoned {
    let client = app.client().clone();
    for name in HELD {
        pause(&client, name).await;
    }
    for name in HELD {
        await_held(&client, name).await;
    }
    let post = create_post(&client, "Poisoned").await;
    for number in 0..5 {
        comment(&client, &post, &format!("Comment {number}")).await;
    }
    let uuid = ids::uuid_digits(post.as_str().expect("an id")).expect("a uuid");
    let is_postgres = database::is_postgres(database);
    let id = match is_postgres {
        true => "replace(stream_id::text, '-', '')",
        false => "lower(hex(stream_id))",
    };
    let condition = format!("stream = 'post' and version = 3 and {id} = '{uuid}'");
    let text = if is_postgres { "data::text" } else { "data" };
    let statement = format!("select {text} as text from event where {condition}");
    let data = database::texts(database, &statement).await.remove(0);
    let poisoned = Poisoned {
        post,
        data,
        condition,
        is_postgres,
    };
    poisoned.write(database, "{\"broken\": 7}").await;
    for worker in &mut app.workers {
        worker.kill();
    }
    app.gateways[0].kill_and_restart();
    if setup.is_distributed() {
        app.workers = vec![setup.workers(&[])];
    }
    poisoned
}

async fn letters(client: &Client, arguments: &str) -> Value {
    let document = format!(
        "{{ deadLetters{arguments} {{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {LETTER} }} }} }}"
    );
    client.run(&document, json!({})).await.data()["deadLetters"].clone()
}

/// Lets the followers of posts go on, and waits until each has given up the poisoned post: one letter that failed, and three
/// behind it.
async fn await_letters(client: &Client) -> Vec<Value> {
    for name in HELD {
        resume(client, name).await;
    }
    eventually("both followers have given up", SOON, async || {
        let all = letters(client, "(first: 100)").await;
        let nodes = all["nodes"].as_array().expect("letters").clone();
        (nodes.len() == 8).then_some(nodes)
    })
    .await
}
