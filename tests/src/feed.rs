//! A subscription that fault tests follow: its document, how its payloads are read, and which events of the log it must
//! deliver. The subscriptions of all domains are here.

use serde_json::{Value, json};

use crate::customers;
use crate::database::LogEntry;
use crate::ids;
use crate::subscriber::Delivery;

type Wants = dyn Fn(&LogEntry) -> bool + Send + Sync;

pub struct Feed {
    pub name: String,
    pub document: String,
    /// The variables without `after`.
    pub variables: Value,
    field: &'static str,
    /// The path of the changed object in a payload; `None` if the payload names only the stream.
    object: Option<&'static str>,
    wants: Box<Wants>,
}

impl Feed {
    fn new(
        name: &str,
        document: impl Into<String>,
        [field, object]: [&'static str; 2],
        wants: impl Fn(&LogEntry) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            document: document.into(),
            variables: json!({}),
            field,
            object: Some(object).filter(|object| !object.is_empty()),
            wants: Box::new(wants),
        }
    }

    /// Follows all changes of all customers.
    pub fn of_customers() -> Self {
        let shape = ["customerChanged", "customer"];
        Self::new("customers", customers::CHANGES, shape, |entry| {
            entry.stream == "customer"
        })
    }

    pub fn of_users() -> Self {
        let document = "subscription Users($after: String) { userChanged(after: $after) { \
            cursor type version actor { name ... on User { id } } user { id name bio version } } }";
        Self::new("users", document, ["userChanged", "user"], |entry| {
            entry.stream == "user"
        })
    }

    pub fn of_students() -> Self {
        let document = "subscription Students($after: String) { studentChanged(after: $after) { \
            cursor type version actor { name ... on User { id } } student { id name version } } }";
        let shape = ["studentChanged", "student"];
        Self::new("students", document, shape, |entry| {
            entry.stream == "student"
        })
    }

    /// Follows all events of one chat, for one of its members.
    pub fn of_chat(chat: &str) -> Self {
        let document = "subscription Chat($id: ID!, $after: String) { chatEvents(id: $id, after: $after) { \
            cursor type version actor { name ... on User { id } } chat { id version } message { number text } } }";
        let of_chat = of_stream("chat", chat);
        Self::new("chat", document, ["chatEvents", "chat"], of_chat).with_id(chat)
    }

    /// Follows new posts of all users.
    pub fn of_posts() -> Self {
        let document = "subscription Posts($after: String) { postFeed(after: $after) { \
            cursor type version actor { name ... on User { id } } post { id message version } } }";
        Self::new("posts", document, ["postFeed", "post"], |entry| {
            entry.kind == "PostCreated"
        })
    }

    /// Follows all events of one post.
    pub fn of_post(post: &str) -> Self {
        let document = "subscription Post($id: ID!, $after: String) { postChanged(id: $id, after: $after) { \
            cursor type version actor { name ... on User { id } } post { id likeCount version } } }";
        let of_post = of_stream("post", post);
        Self::new("post", document, ["postChanged", "post"], of_post).with_id(post)
    }

    /// Follows the steps of one signal.
    pub fn of_signal(signal: &str) -> Self {
        let document = "subscription Signal($id: ID!, $after: String) { signalProgress(id: $id, after: $after) { \
            cursor type actor { name ... on User { id } } processors signal { id status missing version } } }";
        let shape = ["signalProgress", "signal"];
        let of_signal = of_stream("signal", signal);
        Self::new("signal", document, shape, of_signal).with_id(signal)
    }

    /// Follows the whole log, as administrators see it.
    pub fn of_everything() -> Self {
        let document = "subscription Log($after: String) { eventLog(after: $after) { \
            cursor type version stream streamId } }";
        Self::new("log", document, ["eventLog", ""], |_| true)
    }

    fn with_id(mut self, id: &str) -> Self {
        self.variables = json!({ "id": id });
        self
    }

    /// Returns whether the subscription must deliver this event.
    pub fn wants(&self, entry: &LogEntry) -> bool {
        (self.wants)(entry)
    }

    /// Returns the change in a payload, and its cursor; `None` if the payload is not as expected.
    pub(crate) fn read<'a>(&self, payload: &'a Value) -> Option<(Delivery, &'a str)> {
        let change = &payload["data"][self.field];
        let cursor = change["cursor"].as_str()?;
        let Some(object) = self.object else {
            let version = change["version"].as_u64()?;
            let delivery = Delivery {
                position: ids::position(cursor),
                id: ids::uuid_digits(change["streamId"].as_str()?)?,
                version,
                shown_version: version,
            };
            return Some((delivery, cursor));
        };
        let object = &change[object];
        // A step of a signal shows the signal as it was at the event's version.
        let version = change["version"].as_u64().or(object["version"].as_u64())?;
        let delivery = if object.is_null() {
            Delivery {
                position: ids::position(cursor),
                id: String::new(),
                version,
                shown_version: version,
            }
        } else {
            Delivery {
                position: ids::position(cursor),
                id: ids::uuid_digits(object["id"].as_str()?)?,
                version,
                shown_version: object["version"].as_u64()?,
            }
        };
        Some((delivery, cursor))
    }
}

fn of_stream(stream: &'static str, id: &str) -> impl Fn(&LogEntry) -> bool + use<> {
    let uuid = ids::uuid_digits(id).unwrap_or_else(|| panic!("not an id: {id}"));
    move |entry| entry.stream == stream && entry.id == uuid
}
