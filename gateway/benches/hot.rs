//! Benchmarks of what runs for every request and every event, function by function, so that a change can be judged in a minute:
//! `make bench-hot`. The documents and answers have the size of real ones. `make bench` measures whole processes.

use std::sync::LazyLock;
use std::time::Duration;

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Response, Value};
use divan::{Bencher, black_box};
use gateway::document::{Documents, Plan, Typing, plan_of};
use gateway::limits::Limits;
use gateway::params::Params;
use gateway::request_id::RequestId;
use gateway::response::encode;
use gateway::websocket::message;

/// The document of a page that shows posts.
const PAGE: &str = "query Page($first: Int!, $comments: Int!) { posts(first: $first) { nodes { id message likeCount \
    author { id name } comments(first: $comments) { nodes { id text author { id name } } } } } }";
const EVENT: &str =
    "subscription { customerChanged { type version actor customer { id name status version } } }";

/// Each function runs for this long; otherwise the medians of two runs differ by more than a change does.
const RUN: Duration = Duration::from_secs(3);

fn main() {
    divan::Divan::default()
        .min_time(RUN)
        .config_with_args()
        .main();
}

static DOCUMENTS: LazyLock<Documents> = LazyLock::new(documents);

fn documents() -> Documents {
    let typing = Typing::of(&schema::sdl()).expect("the schema");
    Documents::new(Limits::default(), typing, false)
}

fn page() -> Params {
    let variables = serde_json::json!({ "first": 20, "comments": 5 });
    let request = serde_json::json!({ "query": PAGE, "variables": variables });
    Params::from_json(&request.to_string()).expect("parameters")
}

fn plan(params: Params) -> std::sync::Arc<Plan> {
    let prepared = DOCUMENTS.prepare(params, None, &RequestId::generate());
    let prepared = prepared.unwrap_or_else(|errors| panic!("{errors:?}"));
    plan_of(&prepared.request).expect("its plan").clone()
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = fields
        .into_iter()
        .map(|(name, value)| (Name::new(name), value));
    Value::Object(fields.collect::<IndexMap<_, _>>())
}

fn user(number: usize) -> Value {
    object([
        (
            "id",
            format!("user_01m7yvknzqevga5116607zj6{number:02}").into(),
        ),
        ("name", format!("Grace Hopper {number}").into()),
    ])
}

/// The answer to the page: 20 posts, each with 5 comments. Its fields are in the document's order, or not.
fn posts(in_order: bool) -> Value {
    let comment = |number: usize| {
        object([
            (
                "id",
                format!("comment_01m7yvknzqevga5116607zj6{number:02}").into(),
            ),
            ("text", "And how! I did not expect that of a wheel.".into()),
            ("author", user(number)),
        ])
    };
    let post = |number: usize| {
        let comments = Value::List((0..5).map(comment).collect());
        let mut fields = vec![
            (
                "id",
                format!("post_01m7yvknzqevga5116607zj6{number:02}").into(),
            ),
            (
                "message",
                "The wheel turns, and what is above comes below.".into(),
            ),
            ("likeCount", number.into()),
            ("author", user(number)),
            ("comments", object([("nodes", comments)])),
        ];
        if !in_order {
            // Fields that need the database come last.
            fields.rotate_right(2);
        }
        object(fields)
    };
    let nodes = Value::List((0..20).map(post).collect());
    object([("posts", object([("nodes", nodes)]))])
}

fn event() -> Response {
    let customer = object([
        ("id", "customer_01m7yvkkr2ezqams02gnpgdgw3".into()),
        ("name", "Ada Lovelace".into()),
        ("status", "PROSPECT".into()),
        ("version", 3.into()),
    ]);
    let change = object([
        ("type", "UPDATED".into()),
        ("version", 3.into()),
        ("actor", "user_01m7yvjef7e33apn5gbfg43kv1".into()),
        ("customer", customer),
    ]);
    Response::new(object([("customerChanged", change)]))
        .extension("cursor", "e2e302ad-36-19ca14e7".into())
}

/// From the bytes of a body to what is executed, for a cached document.
#[divan::bench]
fn document_known(bencher: Bencher) {
    let id = RequestId::generate();
    let _ = plan(page());
    bencher
        .with_inputs(page)
        .bench_values(|params| DOCUMENTS.prepare(params, None, &id).is_ok());
}

/// The same for a new document: parsed, measured, validated and planned.
#[divan::bench]
fn document_new(bencher: Bencher) {
    let (documents, id) = (documents(), RequestId::generate());
    let mut number = 0;
    let fresh = || {
        number += 1;
        let mut params = page();
        params.query.push_str(&format!(" # {number}"));
        params
    };
    bencher
        .with_inputs(fresh)
        .bench_local_values(|params| documents.prepare(params, None, &id).is_ok());
}

#[divan::bench(sample_size = 100)]
fn parameters(bencher: Bencher) {
    let request = serde_json::json!({ "query": PAGE, "variables": { "first": 20, "comments": 5 } });
    let text = request.to_string();
    bencher.bench(|| Params::from_json(black_box(&text)).is_ok());
}

/// An answer in the document's order is only read.
#[divan::bench(args = [true, false])]
fn answer_order(bencher: Bencher, in_order: bool) {
    let plan = plan(page());
    bencher
        .with_inputs(|| Response::new(posts(in_order)))
        .bench_local_values(|mut answer| {
            plan.complete(&mut answer);
            answer
        });
}

#[divan::bench]
fn encoding_answer(bencher: Bencher) {
    let answer = Response::new(posts(true));
    bencher.bench(|| encode(black_box(&answer)));
}

/// The work done once for an event and a group: the order of its answer, and its bytes.
#[divan::bench]
fn encoding_event(bencher: Bencher) {
    let params = Params {
        query: EVENT.into(),
        ..Params::default()
    };
    let plan = plan(params);
    bencher.with_inputs(event).bench_local_values(|mut answer| {
        plan.complete(&mut answer);
        encode(&answer)
    });
}

/// The work done for an event and each subscriber on a socket.
#[divan::bench(sample_size = 1_000)]
fn framing(bencher: Bencher) {
    let (id, bytes) = (message::encode_id("7"), encode(&event()));
    let mut frames = Vec::new();
    bencher.bench_local(|| {
        frames.clear();
        for part in message::next(black_box(&id), black_box(&bytes)) {
            frames.extend_from_slice(part);
        }
        frames.len()
    });
}
