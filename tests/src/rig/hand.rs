//! A writer of the rig: it sends requests under keys that the book knows, repeats each until it is answered, and keeps a pace.
//! Its domain decides what it requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;

use super::book::{Book, Events};
use crate::graphql::Client;
use crate::sending::{Sender, document};

/// The longest pause between an answer and the next request.
const PAUSE_MS: u64 = 150;

pub struct Hand {
    pub book: Arc<Book>,
    pub random: Rng,
    name: String,
    sender: Sender,
    stopping: Arc<AtomicBool>,
    turn: u64,
}

impl Hand {
    /// Returns a writer for one person, with their client of each gateway.
    pub fn new(
        name: String,
        clients: Vec<Client>,
        book: Arc<Book>,
        stopping: Arc<AtomicBool>,
        seed: u64,
    ) -> Self {
        Self {
            book,
            random: Rng::with_seed(seed),
            name,
            sender: Sender::new(clients),
            stopping,
            turn: 0,
        }
    }

    /// Rests for a moment; returns false when the writer is to stop.
    pub async fn goes_on(&mut self) -> bool {
        let pause = self.random.u64(..PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        !self.stopping.load(Ordering::Relaxed)
    }

    /// Returns a text that was never used before.
    pub fn new_text(&mut self) -> String {
        self.turn += 1;
        format!("{} {}", self.name, self.turn)
    }

    /// Returns the answer; null if the request was refused, which is noted, as no request should be.
    pub async fn ask(
        &mut self,
        field: &str,
        selection: &str,
        input: Value,
        events: Events,
    ) -> Value {
        let key = self.book.ask(&self.name, events);
        let document = document(field, selection);
        let sent = self.sender.send(&document, field, &input, &key);
        match sent.await {
            Ok(payload) => {
                self.book.answer(key);
                payload
            }
            Err(problem) => {
                self.book.note_lost(problem);
                Value::Null
            }
        }
    }

    /// Does the same for the next version of an object that nobody else changes; returns the version.
    pub async fn ask_version(
        &mut self,
        field: &str,
        object: &str,
        input: Value,
        events: Events,
        before: u64,
    ) -> Value {
        let selection = format!("{object} {{ id version }}");
        let mut payload = self.ask(field, &selection, input, events).await;
        let changed = payload[object].take();
        let version = changed["version"].as_u64();
        if version.is_some_and(|version| version != before + 1) {
            let name = &self.name;
            let problem = format!("{name}: {field} made {changed} of version {before}");
            self.book.note_doubled(problem);
        }
        changed
    }

    pub fn repeated(&self) -> usize {
        self.sender.repeated()
    }
}
