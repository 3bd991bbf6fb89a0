//! Clients that come and go, in every way in which clients do: politely, without a word, without reading, and with nonsense.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::graphql::Client;
use crate::http;
use crate::socket::subscribe_message;
use tokio_tungstenite::tungstenite::Message;

/// The number of visitors at a time.
const VISITORS: u64 = 8;
const SUBSCRIPTIONS: [&str; 5] = [
    "subscription { customerChanged { cursor customer { id name } } }",
    "subscription { postChanged { cursor post { id message author { id name } } } }",
    "subscription { studentChanged { cursor student { id } } }",
    "query @live { posts(first: 10) { nodes { id message likeCount } } }",
    "query @live { customers(first: 10) { nodes { id name version } } }",
];
const QUERIES: [&str; 3] = [
    "{ posts(first: 20) { nodes { id message author { id name } comments(first: 3) { nodes { text author { name } } } } } }",
    "{ customers(first: 20) { totalCount nodes { id name createdBy { name } } } }",
    "{ students(first: 20) { nodes { id enrollments { course } } } me { id chats(first: 5) { nodes { id } } } }",
];
const NONSENSE: [&str; 4] = [
    "{",
    "{ nothing }",
    "query($a: [Int!]!) { __typename }",
    "subscription { customerChanged { nothing } }",
];

/// Visitors, until they are told to stop.
pub struct Visitors {
    stopping: Arc<AtomicBool>,
    visits: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Visitors {
    pub fn start(clients: &[Client], seed: u64) -> Self {
        let (stopping, visits) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let mut tasks = JoinSet::new();
        for number in 0..VISITORS {
            let (clients, stopping, visits) = (clients.to_vec(), stopping.clone(), visits.clone());
            let mut random = Rng::with_seed(seed ^ (number << 32));
            tasks.spawn(async move {
                while !stopping.load(Ordering::Relaxed) {
                    let client = &clients[random.usize(..clients.len())];
                    visit(client, &mut random).await;
                    visits.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self {
            stopping,
            visits,
            tasks,
        }
    }

    /// Ends them, and returns how often they came.
    pub async fn stop(self) -> u64 {
        self.stopping.store(true, Ordering::Relaxed);
        self.tasks.join_all().await;
        self.visits.load(Ordering::Relaxed)
    }
}

/// Comes once. What is answered is the matter of other tests; here nobody may be left behind.
async fn visit(client: &Client, random: &mut Rng) {
    let stay = Duration::from_millis(random.u64(50..1_500));
    match random.u8(..8) {
        0..3 => sit(client, random, stay).await,
        3 => {
            let Ok(mut stream) = TcpStream::connect(client.address).await else {
                return;
            };
            let document = SUBSCRIPTIONS[random.usize(..SUBSCRIPTIONS.len())];
            let body = json!({ "query": document }).to_string();
            let accept = [("accept", "text/event-stream")];
            let request = client.signed(&http::post("/graphql", &accept, body.as_bytes()));
            let _ = stream.write_all(&request).await;
            tokio::time::sleep(stay).await;
        }
        4 => {
            let nonsense = NONSENSE[random.usize(..NONSENSE.len())];
            let _ = client.post(&json!({ "query": nonsense }), &[]).await;
        }
        5 => {
            // A request that never ends, and a socket that never begins.
            let Ok(mut stream) = TcpStream::connect(client.address).await else {
                return;
            };
            let _ = stream
                .write_all(
                    b"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{",
                )
                .await;
            tokio::time::sleep(stay / 4).await;
        }
        _ => {
            for _ in 0..random.usize(1..10) {
                let query = QUERIES[random.usize(..QUERIES.len())];
                let _ = client.post(&json!({ "query": query }), &[]).await;
            }
        }
    }
}

/// Opens a socket with some subscriptions, reads or does not, and closes it or just goes.
async fn sit(client: &Client, random: &mut Rng, stay: Duration) {
    let Ok(mut socket) = client.try_socket().await else {
        return;
    };
    for number in 0..random.usize(1..6) {
        let document = SUBSCRIPTIONS[random.usize(..SUBSCRIPTIONS.len())];
        let message = subscribe_message(&number.to_string(), document, json!({}));
        socket.send_raw(Message::text(message.to_string())).await;
    }
    if random.bool() {
        let reading = async { while socket.receive_within(stay).await.is_some() {} };
        let _ = tokio::time::timeout(stay, reading).await;
    } else {
        tokio::time::sleep(stay).await;
    }
    if random.bool() {
        socket.close().await;
    }
}
