//! A listener of one person, to one chat or to all of their own: it reconnects when its socket ends and now and then for no
//! reason, to any gateway, after the last cursor it has seen; and while it is refused it asks again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tests::chats;
use tests::graphql::{Client, is_passing};
use tests::socket::{Frame, Socket};
use tokio::task::JoinHandle;

const RETRY_DELAY: Duration = Duration::from_millis(20);

/// A message that came, and when.
#[derive(Clone, Debug)]
pub struct Heard {
    pub chat: String,
    pub number: u64,
    pub text: Option<String>,
    pub at: Instant,
}

#[derive(Default)]
struct State {
    cursor: String,
    heard: Vec<Heard>,
    refusals: usize,
    connections: usize,
    problems: Vec<String>,
}

/// What an ear listens to.
#[derive(Clone)]
pub enum Hears {
    /// One chat.
    Chat(String),
    /// All of the person's chats.
    Own,
}

pub struct Ear {
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Ear {
    /// Listens with the person's clients, first the first one; `turns` is how many frames it reads before it reconnects for no
    /// reason, at most.
    pub fn open(clients: Vec<Client>, hears: Hears, after: &str, turns: usize, seed: u64) -> Self {
        let state = Arc::new(Mutex::new(State {
            cursor: after.to_owned(),
            ..State::default()
        }));
        let mut listener = Listener {
            clients,
            hears,
            turns,
            random: Rng::with_seed(seed),
            state: state.clone(),
        };
        let task = tokio::spawn(async move { listener.run().await });
        Self { state, task }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// The last message of this chat that came.
    pub fn last_of(&self, chat: &str) -> u64 {
        let state = self.state();
        let of_chat = state.heard.iter().rev().find(|heard| heard.chat == chat);
        of_chat.map_or(0, |heard| heard.number)
    }

    /// How often it connected, and how often it was refused.
    pub fn adventures(&self) -> (usize, usize) {
        let state = self.state();
        (state.connections, state.refusals)
    }

    /// Ends it, and gives what came. Fails if it was told what a client in order is never told.
    pub fn close(self) -> Vec<Heard> {
        self.task.abort();
        let mut state = self.state();
        assert!(
            state.problems.is_empty(),
            "an ear was told: {:?}",
            state.problems
        );
        std::mem::take(&mut state.heard)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Listener {
    clients: Vec<Client>,
    hears: Hears,
    turns: usize,
    random: Rng,
    state: Arc<Mutex<State>>,
}

/// Why an operation ended.
enum End {
    /// The socket is still good for another.
    Operation,
    Socket,
}

impl Listener {
    async fn run(&mut self) {
        let mut client = self.clients[0].clone();
        loop {
            match client.try_socket().await {
                Ok(socket) => self.listen(socket).await,
                Err(_) => tokio::time::sleep(RETRY_DELAY).await,
            }
            client = self.clients[self.random.usize(..self.clients.len())].clone();
        }
    }

    async fn listen(&mut self, mut socket: Socket) {
        self.state.lock().connections += 1;
        let mut turns = 1 + self.random.usize(..self.turns);
        for operation in 0.. {
            let id = operation.to_string();
            let after = self.state.lock().cursor.clone();
            let (document, variables) = match &self.hears {
                Hears::Chat(chat) => (chats::EVENTS, json!({ "id": chat, "after": after })),
                Hears::Own => (chats::OWN, json!({ "after": after })),
            };
            socket.subscribe(&id, document, variables).await;
            match self.read(&mut socket, &mut turns).await {
                End::Operation if turns > 0 => tokio::time::sleep(RETRY_DELAY).await,
                _ => break,
            }
        }
        if self.random.bool() {
            socket.close().await;
        }
    }

    async fn read(&mut self, socket: &mut Socket, turns: &mut usize) -> End {
        while *turns > 0 {
            *turns -= 1;
            match socket.receive_within(Duration::MAX).await {
                Some(Frame::Message(message)) => match message["type"].as_str() {
                    Some("next") => self.take(&message["payload"]),
                    Some("ping") => socket.send_raw(pong()).await,
                    Some("complete" | "error") => {
                        self.note_end(&message);
                        return End::Operation;
                    }
                    _ => {}
                },
                Some(Frame::Closed { code, reason }) if code >= 4000 => {
                    self.note(format!("closed with {code} {reason}"));
                    return End::Socket;
                }
                _ => return End::Socket,
            }
        }
        End::Socket
    }

    fn take(&self, payload: &Value) {
        let field = match &self.hears {
            Hears::Chat(_) => "chatEvents",
            Hears::Own => "myChats",
        };
        let event = &payload["data"][field];
        let Some(cursor) = event["cursor"]
            .as_str()
            .filter(|_| payload.get("errors").is_none())
        else {
            return self.note(payload.to_string());
        };
        let chat = match &self.hears {
            Hears::Chat(chat) => chat.clone(),
            Hears::Own => event["chatId"].as_str().unwrap_or_default().to_owned(),
        };
        let mut state = self.state.lock();
        state.cursor = cursor.to_owned();
        // Who has left since is told that there was one, and not what it says.
        if let Some(number) = event["message"]["number"].as_u64() {
            let text = event["message"]["text"].as_str().map(str::to_owned);
            state.heard.push(Heard {
                chat,
                number,
                text,
                at: Instant::now(),
            });
        }
    }

    fn note_end(&self, message: &Value) {
        match message["payload"][0]["extensions"]["code"].as_str() {
            Some("NOT_FOUND") if matches!(self.hears, Hears::Chat(_)) => {
                self.state.lock().refusals += 1;
            }
            // The log, or a part of an event, may be out of reach for a moment.
            Some(code) if is_passing(code) => {}
            _ => self.note(message.to_string()),
        }
    }

    fn note(&self, problem: String) {
        let mut state = self.state.lock();
        if state.problems.len() < 10 {
            state.problems.push(problem);
        }
    }
}

fn pong() -> tokio_tungstenite::tungstenite::Message {
    tokio_tungstenite::tungstenite::Message::text(r#"{"type":"pong"}"#)
}
