//! The load of a run: writers in all domains, and subscribers that follow their events, over both gateways. It goes on through
//! all faults, until it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::book::Book;
use super::domains::{chats, customers, posts, signals, students, users};
use super::hand::Hand;
use crate::chats::create_group;
use crate::comparison::{Course, Findings, KnownLog};
use crate::feed::Feed;
use crate::graphql::Client;
use crate::ids;
use crate::people::{self, Person};
use crate::subscriber::{Mood, Subscriber};
use crate::tokens;
use crate::waiting::SOON;

/// The number of users who chat and write posts.
const PEOPLE: usize = 4;
const CHATS: usize = 2;
/// The number of posts that all users like and comment on.
const SHARED_POSTS: usize = 3;
const CUSTOMER_WRITERS: u64 = 3;
const STUDENT_WRITERS: u64 = 2;
const SIGNAL_WRITERS: u64 = 2;
/// The number of signals that are followed from submission to end.
const FOLLOWED_SIGNALS: u64 = 2;

/// A subscriber, and the progress of its comparison.
pub struct Follower {
    feed: Arc<Feed>,
    subscriber: Subscriber,
    course: Course,
}

pub struct Load {
    pub book: Arc<Book>,
    pub log: KnownLog,
    /// The administrator's client of each gateway.
    pub admins: Vec<Client>,
    pub followers: Vec<Follower>,
    start: String,
    stopping: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Hand>>,
}

/// Returns the same person's token as if it had been issued some hours ago: a process whose clock is behind must accept it too.
pub fn aged(token: &str) -> String {
    let before = tokens::now() - 3 * 3600;
    tokens::altered(token, &json!({ "iat": before, "nbf": before }))
}

impl Load {
    /// Creates the people and the shared objects, and starts all writers and subscribers.
    pub async fn start(clients: &[Client], admin: &Person, seed: u64) -> Self {
        let start = clients[0].head().await;
        let token = aged(&admin.access_token);
        let admins: Vec<Client> = clients.iter().map(|it| it.signed_in_as(&token)).collect();
        let mut load = Self {
            book: Arc::new(Book::open()),
            log: KnownLog::default(),
            admins,
            followers: Vec::new(),
            start,
            stopping: Arc::default(),
            writers: Vec::new(),
        };
        load.employ(clients, seed).await;
        load
    }

    async fn employ(&mut self, clients: &[Client], seed: u64) {
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let person = people::register(&self.admins[0], &format!("Writer {number}")).await;
            let token = aged(&person.access_token);
            let own: Vec<Client> = clients.iter().map(|it| it.signed_in_as(&token)).collect();
            people.push((person, own));
        }
        let mut chats = Vec::new();
        for number in 0..CHATS {
            let others: Vec<&str> = people[1..].iter().map(|it| it.0.id.as_str()).collect();
            let title = format!("Chat {number}");
            chats.push(create_group(&people[0].1[0], &title, &others).await);
        }
        let mut posts = Vec::new();
        for number in 0..SHARED_POSTS {
            let hand = &mut self.hand(format!("shared-{number}"), people[0].1.clone(), seed);
            let input = json!({ "message": hand.new_text() });
            let created = hand.ask_version("createPost", "post", input, &[("post", 1)], 0);
            posts.push(created.await["id"].as_str().expect("a post").to_owned());
        }
        self.follow_all(&people[1].1, &chats, &posts);
        for number in 0..FOLLOWED_SIGNALS {
            let source = format!("followed-{number}");
            self.submit_and_follow(&source, None).await;
        }

        let mut writers: Vec<JoinHandle<Hand>> = Vec::new();
        for number in 0..CUSTOMER_WRITERS {
            let hand = self.hand(format!("customer-{number}"), self.admins.clone(), seed);
            writers.push(tokio::spawn(customers::write(hand)));
        }
        for number in 0..STUDENT_WRITERS {
            let hand = self.hand(format!("student-{number}"), self.admins.clone(), seed);
            writers.push(tokio::spawn(students::write(hand)));
        }
        for number in 0..SIGNAL_WRITERS {
            let hand = self.hand(format!("signal-{number}"), self.admins.clone(), seed);
            writers.push(tokio::spawn(signals::write(hand)));
        }
        for (number, (_, own)) in people.into_iter().enumerate() {
            let user = people::me_at_version(&own[0]).await;
            let hand = |what: &str| self.hand(format!("{what}-{number}"), own.clone(), seed);
            writers.push(tokio::spawn(users::write(hand("user"), user)));
            writers.push(tokio::spawn(chats::write(hand("chat"), chats.clone())));
            writers.push(tokio::spawn(posts::write(hand("post"), posts.clone())));
        }
        self.writers = writers;
    }

    /// Returns a writer that the book knows, and that works until the load is stopped.
    pub fn hand(&self, name: String, clients: Vec<Client>, seed: u64) -> Hand {
        let seed = name.bytes().fold(seed, |seed, byte| {
            seed.wrapping_mul(31).wrapping_add(byte.into())
        });
        Hand::new(
            name,
            clients,
            self.book.clone(),
            self.stopping.clone(),
            seed,
        )
    }

    fn follow_all(&mut self, member: &[Client], chats: &[String], posts: &[String]) {
        let admins = self.admins.clone();
        for admin in &admins {
            let own = vec![admin.clone()];
            self.follow(Feed::of_customers(), own, Mood::Steady);
        }
        for feed in [
            Feed::of_everything(),
            Feed::of_customers(),
            Feed::of_posts(),
            Feed::of_students(),
        ] {
            self.follow(feed, admins.clone(), Mood::Restless);
        }
        for feed in [Feed::of_users(), Feed::of_posts()] {
            self.follow(feed, member.to_vec(), Mood::Steady);
        }
        for chat in chats {
            self.follow(Feed::of_chat(chat), member.to_vec(), Mood::Restless);
        }
        for post in posts {
            self.follow(Feed::of_post(post), member.to_vec(), Mood::Restless);
        }
    }

    /// Submits a signal with a subscriber to its steps; returns its id.
    pub async fn submit_and_follow(&mut self, source: &str, value: Option<f64>) -> String {
        let mut hand = self.hand(source.to_owned(), self.admins.clone(), 0);
        let signal = signals::submit(&mut hand, source, value.unwrap_or(42.0)).await;
        let id = signal["id"].as_str().unwrap_or_default().to_owned();
        if !id.is_empty() {
            self.follow(Feed::of_signal(&id), self.admins.clone(), Mood::Steady);
        }
        id
    }

    /// Adds a subscriber from the beginning of the run.
    fn follow(&mut self, feed: Feed, clients: Vec<Client>, mood: Mood) {
        let start = self.start.clone();
        self.follow_from(feed, clients, &start, mood);
    }

    /// Adds a subscriber from this cursor.
    pub fn follow_from(&mut self, feed: Feed, clients: Vec<Client>, start: &str, mood: Mood) {
        let feed = Arc::new(feed);
        self.followers.push(Follower {
            subscriber: Subscriber::follow(feed.clone(), clients, start, mood),
            feed,
            course: Course::new(ids::position(start)),
        });
    }

    /// Waits until the last added subscriber has a connection.
    pub async fn await_last_connected(&self) -> Result<(), String> {
        let last = self.followers.last().ok_or("nobody follows")?;
        let connected = async {
            while last.subscriber.connections() == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(SOON, connected).await;
        waited.map_err(|_| "a subscriber does not come to connect".to_owned())
    }

    /// Ends the last added subscriber, which must have been compared.
    pub fn leave_last(&mut self) {
        self.followers.pop();
    }

    /// Waits until all subscribers of this feed are at this position.
    pub async fn await_feed_at(
        &self,
        name: &str,
        position: u64,
        within: Duration,
    ) -> Result<(), String> {
        for follower in self.followers.iter().filter(|it| it.feed.name == name) {
            follower.await_position(position, within).await?;
        }
        Ok(())
    }

    /// Lets all subscribers reach the end of the known log, and compares their deliveries.
    pub async fn compare_subscribers(&mut self, within: Duration, findings: &mut Findings) {
        let deadline = Instant::now() + within;
        for follower in &mut self.followers {
            let within = deadline.saturating_duration_since(Instant::now());
            let wanted = |entry: &&crate::database::LogEntry| follower.feed.wants(entry);
            let last = self.log.entries().iter().rfind(wanted);
            let position = last.and_then(|entry| entry.position).unwrap_or(0);
            if let Err(problem) = follower.await_position(position, within).await {
                findings.lost.push(problem);
            }
            let came = follower.subscriber.take();
            let feed = follower.feed.clone();
            let mut own = Findings::default();
            follower
                .course
                .compare(came, &self.log, |entry| feed.wants(entry), &mut own);
            for lines in [&mut own.lost, &mut own.doubled, &mut own.reordered] {
                let named = |line: &mut String| *line = format!("{}: {line}", feed.name);
                lines.iter_mut().for_each(named);
            }
            findings.absorb(own);
            let told = follower.subscriber.take_problems();
            let problems = told
                .into_iter()
                .map(|it| format!("{} was told {it}", feed.name));
            findings.lost.extend(problems);
        }
    }

    /// Returns the number of writers that ended without being told to.
    pub fn dead_writers(&self) -> usize {
        self.writers.iter().filter(|it| it.is_finished()).count()
    }

    /// Lets the writers finish; returns how often a request was repeated.
    pub async fn stop(&mut self) -> usize {
        self.stopping.store(true, Ordering::Relaxed);
        let mut repeated = 0;
        for writer in self.writers.drain(..) {
            match writer.await {
                Ok(hand) => repeated += hand.repeated(),
                Err(error) => self.book.note_lost(format!("a writer failed: {error}")),
            }
        }
        repeated
    }

    /// Returns the numbers of compared deliveries and of connections, of all subscribers.
    pub fn figures(&self) -> Value {
        let connections = |it: &Follower| it.subscriber.connections();
        let connections: usize = self.followers.iter().map(connections).sum();
        let delivered: usize = self.followers.iter().map(|it| it.course.deliveries()).sum();
        json!({ "delivered": delivered, "connections": connections })
    }
}

impl Follower {
    async fn await_position(&self, position: u64, within: Duration) -> Result<(), String> {
        if self.subscriber.reaches(position, within).await {
            return Ok(());
        }
        let (name, at) = (&self.feed.name, self.subscriber.position());
        Err(format!("a subscriber of {name} is at {at}, not {position}"))
    }
}
