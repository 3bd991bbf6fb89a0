//! The state of all domains at a position of the log, put together from the events up to there and from nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tests::database::LogEntry;
use tests::ids;

/// Objects by their global ids.
pub type Objects = BTreeMap<String, Value>;

#[derive(Clone, Default)]
pub struct Model {
    pub position: u64,
    pub users: Objects,
    pub customers: Objects,
    pub students: Objects,
    pub signals: Objects,
    pub posts: BTreeMap<String, Post>,
    pub chats: BTreeMap<String, Chat>,
    /// The events of each user, as `history` shows them.
    pub histories: BTreeMap<String, Vec<Value>>,
    /// The last event, as `eventLog` shows it.
    pub last: Value,
}

/// A post that was not deleted.
#[derive(Clone)]
pub struct Post {
    pub author: String,
    pub message: String,
    pub version: u64,
    pub created_at: String,
    pub likes: BTreeSet<String>,
    /// Those that were not removed, by their numbers.
    pub comments: BTreeMap<u64, Comment>,
}

#[derive(Clone)]
pub struct Comment {
    pub id: String,
    pub author: String,
    pub text: String,
}

#[derive(Clone, Default)]
pub struct Chat {
    /// The chat as its last event has it.
    pub row: Value,
    /// When each member joined, and the number of the last message that they have read.
    pub members: BTreeMap<String, (String, u64)>,
    pub messages: BTreeMap<u64, Message>,
}

#[derive(Clone)]
pub struct Message {
    pub id: String,
    pub author: String,
    /// `None` when it was deleted.
    pub text: Option<String>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// Returns the global id of what an event names by its UUID.
fn id(kind: &str, uuid: &Value) -> String {
    let digits = text(uuid).replace('-', "");
    ids::global_id(kind, u128::from_str_radix(&digits, 16).expect("a UUID"))
}

/// Returns a time such that two compare as texts: fractions of a second have as many digits as they need.
fn time(value: &Value) -> String {
    text(value).trim_end_matches('Z').to_owned()
}

impl Model {
    /// Applies the next event.
    pub fn apply(&mut self, entry: &LogEntry) {
        let position = entry.position.expect("a position");
        assert_eq!(position, self.position + 1, "positions are dense");
        self.position = position;
        self.last = json!({ "position": position, "type": entry.kind });
        let (kind, data) = (entry.stream.as_str(), &entry.data);
        let own = id(kind, &json!(entry.id));
        let row = || {
            let mut row = data[kind].clone();
            row["id"] = json!(own);
            row
        };
        match kind {
            "user" => {
                let event = json!({ "type": entry.kind, "version": entry.version });
                self.histories.entry(own.clone()).or_default().push(event);
                self.users.insert(own.clone(), row());
            }
            "customer" => drop(self.customers.insert(own.clone(), row())),
            "student" => drop(self.students.insert(own.clone(), row())),
            "signal" => drop(self.signals.insert(own.clone(), row())),
            "post" => self.apply_to_post(own, entry),
            "chat" => self.apply_to_chat(own.clone(), row(), entry),
            "inbox" if entry.kind == "ChatRead" => {
                let chat = self.chats.get_mut(&id("chat", &data["chatId"]));
                let member = chat.and_then(|it| it.members.get_mut(&id("user", &data["userId"])));
                member.expect("a member").1 = number(&data["lastReadNumber"]);
            }
            _ => {}
        }
    }

    fn apply_to_post(&mut self, own: String, entry: &LogEntry) {
        let data = &entry.data;
        if entry.kind == "PostCreated" {
            let post = Post {
                author: id("user", &data["authorId"]),
                message: text(&data["message"]),
                version: 1,
                created_at: entry.occurred_at.clone(),
                likes: BTreeSet::new(),
                comments: BTreeMap::new(),
            };
            self.posts.insert(own, post);
            return;
        }
        if entry.kind == "PostDeleted" {
            self.posts.remove(&own);
            return;
        }
        let post = self.posts.get_mut(&own).expect("a post");
        post.version = entry.version;
        match entry.kind.as_str() {
            "PostMessageEdited" => post.message = text(&data["message"]),
            "PostLiked" => assert!(post.likes.insert(id("user", &data["userId"]))),
            "PostUnliked" => assert!(post.likes.remove(&id("user", &data["userId"]))),
            "PostCommentAdded" => {
                let comment = Comment {
                    id: id("comment", &data["commentId"]),
                    author: id("user", &data["authorId"]),
                    text: text(&data["text"]),
                };
                post.comments.insert(number(&data["number"]), comment);
            }
            "PostCommentEdited" => {
                let comment = post.comments.get_mut(&number(&data["number"]));
                comment.expect("a comment").text = text(&data["text"]);
            }
            "PostCommentRemoved" => drop(post.comments.remove(&number(&data["number"]))),
            other => panic!("an unknown event: {other}"),
        }
    }

    fn apply_to_chat(&mut self, own: String, row: Value, entry: &LogEntry) {
        let chat = self.chats.entry(own).or_default();
        let last = number(&row["lastNumber"]);
        chat.row = row;
        let named = entry.data["members"].as_array();
        for member in named.into_iter().flatten() {
            let user = id("user", &member["userId"]);
            match entry.kind.as_str() {
                "ChatCreated" | "ChatMemberAdded" => {
                    let joined = (time(&member["joinedAt"]), last);
                    chat.members.insert(user, joined);
                }
                _ => drop(chat.members.remove(&user)),
            }
        }
        let message = &entry.data["message"];
        if message.is_object() {
            let (at, author) = (number(&message["number"]), id("user", &message["authorId"]));
            if entry.kind == "ChatMessageSent" {
                // Who answers has read what was said before.
                let member = chat.members.get_mut(&author);
                member.expect("a member").1 = at;
            }
            let message = Message {
                id: id("message", &message["id"]),
                author,
                text: message["text"].as_str().map(str::to_owned),
            };
            chat.messages.insert(at, message);
        }
    }
}
