//! Watchers of random live queries, as careful clients: each has what it was sent, and comes back with it, to any gateway, when its own
//! was killed.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tests::graphql::{Client, is_passing};
use tests::ids;
use tests::live::Watched;
use tests::socket::Frame;

use super::answers::{Field, STATUSES, Viewer};
use super::model::Model;
use super::selection::Selection;

const ID: &str = "live";

/// A query: fields by the names that it gives them, and what it selects of each.
pub struct Query {
    pub document: String,
    fields: Vec<(String, Field, Selection)>,
}

/// An answer that was sent.
pub struct State {
    pub position: u64,
    pub data: Value,
    pub is_patch: bool,
    /// It may be of two moments.
    pub is_mixed: bool,
    /// It says what the answer before said.
    pub is_repeated: bool,
}

/// What a watcher was sent.
#[derive(Default)]
pub struct Told {
    pub now: Watched,
    /// What came since it was last taken from here.
    pub states: Vec<State>,
}

pub struct Watcher {
    pub viewer: Viewer,
    pub query: Arc<Query>,
    pub told: Arc<Mutex<Told>>,
    pub task: tokio::task::JoinHandle<()>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns some of these fields, at least one.
fn some(rng: &mut Rng, fields: &[&str]) -> String {
    let mut taken: Vec<_> = fields.iter().filter(|_| rng.bool()).copied().collect();
    if taken.is_empty() {
        taken.push(fields[0]);
    }
    taken.join(" ")
}

fn chosen<'a>(rng: &mut Rng, ids: impl Iterator<Item = &'a String>) -> String {
    let ids: Vec<_> = ids.collect();
    match ids.is_empty() {
        true => "none".to_owned(),
        false => ids[rng.usize(..ids.len())].clone(),
    }
}

impl Query {
    /// Makes a query about what there is.
    pub fn random(rng: &mut Rng, model: &Model) -> Self {
        let fields: Vec<_> = (0..rng.usize(1..4))
            .map(|number| {
                let (field, selection) = random_field(rng, model);
                (format!("f{number}"), field, selection)
            })
            .collect();
        let texts = fields
            .iter()
            .map(|(name, field, selection)| format!("{name}: {} {{ {selection} }}", field.text()));
        let (patch, throttle) = (rng.bool(), [10, 100, 300][rng.usize(..3)]);
        let texts: Vec<_> = texts.collect();
        let document = format!(
            "query @live(patch: {patch}, throttle: {throttle}) {{ {} }}",
            texts.join(" ")
        );
        let parsed = |(name, field, text): (_, _, String)| (name, field, Selection::parse(&text));
        Self {
            document,
            fields: fields.into_iter().map(parsed).collect(),
        }
    }

    /// Returns what it answers to a user in the state of the model.
    pub fn answer(&self, model: &Model, viewer: &Viewer) -> Value {
        let fields = self.fields.iter().map(|(name, field, selection)| {
            let whole = model.answer(field, viewer);
            (name.clone(), selection.of(&whole))
        });
        Value::Object(fields.collect())
    }
}

/// Chooses a field and what is selected of it.
fn random_field(rng: &mut Rng, model: &Model) -> (Field, String) {
    let first = rng.usize(1..12);
    let status = STATUSES[rng.usize(..4)];
    let year = rng.u64(1..6);
    let customer = some(rng, &["name", "email", "status", "version"]);
    let student = some(rng, &["name", "course", "year", "version"]);
    let user = some(rng, &["name", "bio", "role", "version"]);
    let author = "author { id name }";
    let comments = "comments(last: 3) { nodes { id text author { name } } }";
    let counts = ["likeCount", "likedByMe", "message", "commentCount"];
    let post = some(rng, &[&counts[..], &[author, comments]].concat());
    let last = "lastMessage { number text author { name } }";
    let members = "members { user { id name } }";
    let messages = "messages(first: 3) { nodes { number text author { id name } } }";
    let chat = some(
        rng,
        &[
            "title",
            "unreadCount",
            "memberCount",
            last,
            members,
            messages,
        ],
    );
    let signal = some(rng, &["status", "source", "number", "value"]);
    let list = |nodes: &str, more: &str| format!("{more} nodes {{ id {nodes} }}");
    let (total, paged) = ("totalCount", "totalCount pageInfo { hasNextPage }");
    match rng.u8(..19) {
        0 => {
            let id = chosen(rng, model.customers.keys());
            (Field::Customer { id }, format!("id {customer}"))
        }
        1 => {
            let id = chosen(rng, model.customers.keys());
            (
                Field::CustomerNode { id },
                format!("id ... on Customer {{ {customer} }}"),
            )
        }
        2 => (Field::Customers { first }, list(&customer, paged)),
        3 => (
            Field::CustomersByName { first, status },
            list(&customer, paged),
        ),
        4 => (Field::DeletedCustomers, list(&customer, total)),
        5 => {
            let counts = "total byStatus { status count }".to_owned();
            (Field::CustomerStatistics, counts)
        }
        6 => {
            let id = chosen(rng, model.students.keys());
            (Field::Student { id }, format!("id {student}"))
        }
        7 => (Field::Students { first }, list(&student, total)),
        8 => (Field::StudentsOfYear { year }, list(&student, total)),
        9 => {
            let id = chosen(rng, model.posts.keys());
            (Field::Post { id }, format!("id version {post}"))
        }
        10 => (Field::Posts { first }, list(&post, "")),
        11 => (Field::LikedPosts, list(&post, total)),
        12 => (Field::Chats, list(&chat, "")),
        13 => {
            let id = chosen(rng, model.chats.keys());
            (Field::Chat { id }, format!("id version {chat}"))
        }
        14 => (Field::Users { first }, list(&user, total)),
        15 => (
            Field::Me,
            format!("id {user} history(first: 50) {{ nodes {{ type version }} }}"),
        ),
        16 => (Field::Signals { first }, list(&signal, "")),
        17 => {
            let id = chosen(rng, model.signals.keys());
            (Field::Signal { id }, format!("id version {signal}"))
        }
        _ => (Field::LastEvent, "nodes { position type }".to_owned()),
    }
}

impl Watcher {
    /// Watches a query as this user, at the first of the gateways, and at any other from then on.
    pub fn start(query: Query, viewer: Viewer, gateways: Vec<Client>, rng: Rng) -> Self {
        let (query, told) = (Arc::new(query), Arc::new(Mutex::new(Told::default())));
        let task = tokio::spawn(watch(query.clone(), gateways, told.clone(), rng));
        Self {
            viewer,
            query,
            told,
            task,
        }
    }
}

async fn watch(query: Arc<Query>, gateways: Vec<Client>, told: Arc<Mutex<Told>>, mut rng: Rng) {
    loop {
        let gateway = &gateways[rng.usize(..gateways.len())];
        watch_at(gateway, &query, &told).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Watches at a gateway until it is away.
async fn watch_at(gateway: &Client, query: &Query, told: &Mutex<Told>) {
    let Ok(mut socket) = gateway.try_socket().await else {
        return;
    };
    let (cursor, digest) = {
        let told = told.lock();
        (told.now.cursor.clone(), told.now.digest.clone())
    };
    let known = match cursor.is_empty() {
        true => json!({}),
        false => json!({ "live": { "digest": digest, "cursor": cursor } }),
    };
    let payload = json!({ "query": query.document, "extensions": known });
    let subscribe = json!({ "type": "subscribe", "id": ID, "payload": payload });
    if socket.try_send(&subscribe).await.is_err() {
        return;
    }
    while let Some(Frame::Message(message)) = socket.receive_within(Duration::MAX).await {
        match message["type"].as_str() {
            Some("next") => told.lock().take(&message["payload"]),
            Some("error") => {
                let code = message["payload"][0]["extensions"]["code"].as_str();
                let is_passing = code.is_some_and(is_passing);
                assert!(is_passing, "{message} of {}", query.document);
                return;
            }
            _ => {
                if socket.try_send(&json!({ "type": "pong" })).await.is_err() {
                    return;
                }
            }
        }
    }
}

impl Told {
    fn take(&mut self, payload: &Value) {
        self.now.take(payload);
        let extensions = &payload["extensions"];
        self.states.push(State {
            position: ids::position(&self.now.cursor),
            data: self.now.data.clone(),
            is_patch: payload.get("patch").is_some(),
            is_mixed: self.now.is_mixed || extensions["stale"] == true,
            is_repeated: extensions["unchanged"] == true,
        });
    }
}
