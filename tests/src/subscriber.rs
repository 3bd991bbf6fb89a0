//! A subscriber that behaves like a real client: it reconnects when its socket ends, and now and then without a reason, to any
//! of the gateways, each time after the last cursor it has seen. It keeps every delivery in order.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::feed::Feed;
use crate::graphql::{Client, is_passing};
use crate::ids;
use crate::socket::{Frame, Socket, subscribe_message};
use crate::waiting::{SOON, eventually};

/// The pause before it tries again.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// A delivered change. `id` is the UUID of the changed object as 32 hexadecimal digits, empty when it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub position: u64,
    pub id: String,
    pub version: u64,
    /// The object's version in the payload: at this event or a later one.
    pub shown_version: u64,
}

#[derive(Default)]
struct State {
    cursor: String,
    deliveries: Vec<Delivery>,
    /// Problems that no client should see: errors on the operation, closings with a 4xxx code.
    problems: Vec<String>,
    connections: usize,
}

pub struct Subscriber {
    pub start: u64,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// When it reconnects without a reason.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Steady,
    /// It reconnects after some hundreds of changes.
    Restless,
}

impl Subscriber {
    /// Subscribes to all changes of customers after the cursor.
    pub fn start(clients: Vec<Client>, after: &str, mood: Mood) -> Self {
        Self::follow(Arc::new(Feed::of_customers()), clients, after, mood)
    }

    /// Subscribes to this feed after the cursor.
    pub fn follow(feed: Arc<Feed>, clients: Vec<Client>, after: &str, mood: Mood) -> Self {
        let state = Arc::new(Mutex::new(State {
            cursor: after.to_owned(),
            ..State::default()
        }));
        let task = tokio::spawn(run(feed, clients, state.clone(), mood));
        Self {
            start: ids::position(after),
            state,
            task,
        }
    }

    /// Returns the position of the last delivered change, or of the start.
    pub fn position(&self) -> u64 {
        ids::position(&self.state.lock().cursor)
    }

    pub fn connections(&self) -> usize {
        self.state.lock().connections
    }

    /// Waits until it has reached this position, at most `within`.
    pub async fn reaches(&self, position: u64, within: Duration) -> bool {
        let wait = async {
            while self.position() < position {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(within, wait).await.is_ok()
    }

    pub async fn await_position(&self, position: u64) {
        eventually("a subscriber comes to the position", SOON, async || {
            (self.position() >= position).then_some(())
        })
        .await;
    }

    /// Takes the deliveries since the last call.
    pub fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.state.lock().deliveries)
    }

    /// Takes the problems since the last call.
    pub fn take_problems(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().problems)
    }

    /// Ends it, and returns the deliveries. Fails the test if there were problems.
    pub fn finish(self) -> Vec<Delivery> {
        self.task.abort();
        let mut state = self.state.lock();
        assert!(
            state.problems.is_empty(),
            "a subscriber was told: {:?}",
            state.problems
        );
        std::mem::take(&mut state.deliveries)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(feed: Arc<Feed>, clients: Vec<Client>, state: Arc<Mutex<State>>, mood: Mood) {
    loop {
        let client = &clients[fastrand::usize(..clients.len())];
        if let Ok(socket) = client.try_socket().await {
            state.lock().connections += 1;
            let turns = if mood == Mood::Restless {
                fastrand::usize(50..800)
            } else {
                usize::MAX
            };
            read(socket, &feed, &state, turns).await;
        } else {
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }
}

/// Reads from one socket until it ends or this many changes came.
async fn read(mut socket: Socket, feed: &Feed, state: &Mutex<State>, turns: usize) {
    let mut variables = feed.variables.clone();
    variables["after"] = state.lock().cursor.clone().into();
    let subscribe = subscribe_message("1", &feed.document, variables);
    // The gateway may be gone again already, which the first frame reports.
    socket.send_raw(Message::text(subscribe.to_string())).await;
    for _ in 0..turns {
        match socket.receive_within(Duration::MAX).await {
            Some(Frame::Message(message)) if message["type"] == "next" => {
                take(&message["payload"], feed, state)
            }
            Some(Frame::Message(message)) if message["type"] == "ping" => {
                let pong = json!({ "type": "pong" });
                socket.send_raw(Message::text(pong.to_string())).await
            }
            Some(Frame::Message(message)) if message["type"] == "pong" => {}
            Some(Frame::Message(message)) if message["type"] == "complete" => return,
            Some(Frame::Message(message)) => {
                // The log, or a part of an event, may be out of reach for a moment; the client tries again.
                let code = message["payload"][0]["extensions"]["code"].as_str();
                if !code.is_some_and(is_passing) {
                    note(state, message.to_string());
                }
                tokio::time::sleep(RETRY_DELAY).await;
                return;
            }
            Some(Frame::Closed { code, reason }) if code >= 4000 => {
                return note(state, format!("closed with {code} {reason}"));
            }
            Some(Frame::Closed { .. } | Frame::Cut(_)) | None => return,
        }
    }
    if fastrand::bool() {
        socket.close().await;
    }
}

fn take(payload: &Value, feed: &Feed, state: &Mutex<State>) {
    match feed.read(payload) {
        Some((delivery, cursor)) => {
            let mut state = state.lock();
            state.cursor = cursor.to_owned();
            state.deliveries.push(delivery);
        }
        None => note(state, payload.to_string()),
    }
}

fn note(state: &Mutex<State>, problem: String) {
    let mut state = state.lock();
    if state.problems.len() < 10 {
        state.problems.push(problem);
    }
}
