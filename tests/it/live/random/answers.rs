//! What fields of queries answer when the domains are in the state of a model, to a viewer.

use serde_json::{Value, json};

use super::model::{Chat, Model, Post};

/// Who asks. Their role is what it is now: rights hold also where an answer shows what was before they were given.
#[derive(Debug)]
pub struct Viewer {
    pub id: String,
    pub role: String,
}

/// A field of a query, with its arguments.
#[derive(Clone, Debug)]
pub enum Field {
    Me,
    Users { first: usize },
    Customer { id: String },
    CustomerNode { id: String },
    Customers { first: usize },
    CustomersByName { first: usize, status: &'static str },
    DeletedCustomers,
    CustomerStatistics,
    Student { id: String },
    Students { first: usize },
    StudentsOfYear { year: u64 },
    Post { id: String },
    Posts { first: usize },
    LikedPosts,
    Chat { id: String },
    Chats,
    Signal { id: String },
    Signals { first: usize },
    LastEvent,
}

/// The most nodes that a list without `first` answers.
const PAGE: usize = 20;
/// The most events of a user that are asked for.
const HISTORY: usize = 50;
pub const STATUSES: [&str; 4] = ["PROSPECT", "ACTIVE", "SUSPENDED", "CLOSED"];

impl Field {
    /// Returns the field as a document has it.
    pub fn text(&self) -> String {
        match self {
            Self::Me => "me".to_owned(),
            Self::Users { first } => format!("users(first: {first})"),
            Self::Customer { id } => format!("customer(id: \"{id}\")"),
            Self::CustomerNode { id } => format!("node(id: \"{id}\")"),
            Self::Customers { first } => format!("customers(first: {first})"),
            Self::CustomersByName { first, status } => format!(
                "customers(first: {first}, filter: {{ status: {{ in: [{status}] }} }}, \
                 sort: {{ field: NAME, direction: ASC }})"
            ),
            Self::DeletedCustomers => {
                "customers(filter: { deletedAt: { isNull: false } })".to_owned()
            }
            Self::CustomerStatistics => "customerStatistics".to_owned(),
            Self::Student { id } => format!("student(id: \"{id}\")"),
            Self::Students { first } => format!("students(first: {first})"),
            Self::StudentsOfYear { year } => {
                format!("students(filter: {{ year: {{ eq: {year} }} }})")
            }
            Self::Post { id } => format!("post(id: \"{id}\")"),
            Self::Posts { first } => format!("posts(first: {first})"),
            Self::LikedPosts => "posts(filter: { likeCount: { gte: 1 } })".to_owned(),
            Self::Chat { id } => format!("chat(id: \"{id}\")"),
            Self::Chats => "chats".to_owned(),
            Self::Signal { id } => format!("signal(id: \"{id}\")"),
            Self::Signals { first } => format!("signals(first: {first})"),
            Self::LastEvent => "eventLog(last: 1)".to_owned(),
        }
    }
}

/// A page of a list in its order, of which `show` makes the nodes.
fn page<T>(mut all: Vec<(String, T)>, first: usize, show: impl Fn(T) -> Value) -> Value {
    all.sort_by(|(one, _), (other, _)| other.cmp(one));
    let total = all.len();
    let nodes: Vec<_> = all.into_iter().take(first).map(|it| show(it.1)).collect();
    json!({ "totalCount": total, "pageInfo": { "hasNextPage": total > first }, "nodes": nodes })
}

/// Returns the place in an order by a time, newest first, and then by id.
fn at(row: &Value, time: &str) -> String {
    let time = row[time].as_str().expect("a time").trim_end_matches('Z');
    format!("{time} {}", row["id"].as_str().expect("an id"))
}

impl Model {
    /// Returns what a field answers to a user, with all fields of all objects in it.
    pub fn answer(&self, field: &Field, viewer: &Viewer) -> Value {
        let (viewer, role) = (viewer.id.as_str(), viewer.role.as_str());
        let is_staff = role != "MEMBER";
        match field {
            Field::Me => self.user(viewer),
            Field::Users { first } => {
                let all = self.users.iter();
                let all = all.map(|(id, row)| (at(row, "createdAt"), id));
                page(all.collect(), *first, |id| self.user(id))
            }
            Field::LastEvent if role == "ADMIN" => json!({ "nodes": [self.last] }),
            Field::LastEvent => Value::Null,
            Field::Post { id } => {
                let post = self.posts.get(id);
                post.map_or(Value::Null, |it| self.post(id, it, viewer))
            }
            Field::Posts { first } => self.list_posts(viewer, *first, |_| true),
            Field::LikedPosts => self.list_posts(viewer, PAGE, |post| !post.likes.is_empty()),
            Field::Chat { id } => {
                let chat = self.chats.get(id);
                let chat = chat.filter(|it| it.members.contains_key(viewer));
                chat.map_or(Value::Null, |it| self.chat(it, viewer))
            }
            Field::Chats => {
                let own = self.chats.values();
                let own = own.filter(|it| it.members.contains_key(viewer));
                let own = own.map(|it| (at(&it.row, "lastActivityAt"), it));
                page(own.collect(), PAGE, |it| self.chat(it, viewer))
            }
            Field::Signal { id } => self.signals.get(id).cloned().unwrap_or_default(),
            Field::Signals { first } => {
                let all = self.signals.values();
                let all = all.map(|row| (at(row, "submittedAt"), row));
                page(all.collect(), *first, Value::clone)
            }
            _ if !is_staff => Value::Null,
            records => self.answer_of_records(records),
        }
    }

    fn answer_of_records(&self, field: &Field) -> Value {
        let is_there = |row: &&Value| row["deletedAt"].is_null();
        let by_age = |row: &Value| at(row, "createdAt");
        let customers = || self.customers.values().filter(is_there);
        let students = || self.students.values().filter(is_there);
        let list = |all: Vec<(String, &Value)>, first| page(all, first, Value::clone);
        match field {
            Field::Customer { id } | Field::CustomerNode { id } => {
                let row = self.customers.get(id).filter(is_there);
                row.cloned().unwrap_or_default()
            }
            Field::Customers { first } => {
                list(customers().map(|row| (by_age(row), row)).collect(), *first)
            }
            Field::CustomersByName { first, status } => {
                let mut all: Vec<_> = customers().filter(|row| row["status"] == *status).collect();
                all.sort_by_key(|row| (row["name"].to_string(), row["id"].to_string()));
                let numbered = all.iter().rev().enumerate();
                let numbered = numbered.map(|(number, row)| (format!("{number:09}"), *row));
                list(numbered.collect(), *first)
            }
            Field::DeletedCustomers => {
                let all = self.customers.values().filter(|row| !is_there(row));
                list(all.map(|row| (by_age(row), row)).collect(), PAGE)
            }
            Field::CustomerStatistics => {
                let of = |status: &str| customers().filter(|row| row["status"] == status).count();
                let counts = STATUSES.map(|it| json!({ "status": it, "count": of(it) }));
                json!({ "total": customers().count(), "byStatus": counts })
            }
            Field::Student { id } => {
                let row = self.students.get(id).filter(is_there);
                row.cloned().unwrap_or_default()
            }
            Field::Students { first } => {
                list(students().map(|row| (by_age(row), row)).collect(), *first)
            }
            Field::StudentsOfYear { year } => {
                let all = students().filter(|row| row["year"] == *year);
                list(all.map(|row| (by_age(row), row)).collect(), PAGE)
            }
            other => panic!("not of records: {other:?}"),
        }
    }

    fn user(&self, id: &str) -> Value {
        let mut user = self.users[id].clone();
        let shown = self.histories[id].iter().take(HISTORY);
        user["history"] = json!({ "nodes": shown.collect::<Vec<_>>() });
        user
    }

    fn name(&self, id: &str) -> Value {
        json!({ "id": id, "name": self.users[id]["name"] })
    }

    fn list_posts(&self, viewer: &str, first: usize, is_wanted: impl Fn(&Post) -> bool) -> Value {
        let wanted = self.posts.iter().filter(|(_, post)| is_wanted(post));
        let wanted = wanted.map(|(id, post)| (format!("{} {id}", post.created_at), (id, post)));
        page(wanted.collect(), first, |(id, post)| {
            self.post(id, post, viewer)
        })
    }

    fn post(&self, id: &str, post: &Post, viewer: &str) -> Value {
        let last = post.comments.values().rev().take(3).rev();
        let comments: Vec<_> = last
            .map(|it| json!({ "id": it.id, "text": it.text, "author": self.name(&it.author) }))
            .collect();
        json!({
            "id": id,
            "version": post.version,
            "message": post.message,
            "author": self.name(&post.author),
            "likeCount": post.likes.len(),
            "likedByMe": post.likes.contains(viewer),
            "commentCount": post.comments.len(),
            "comments": { "nodes": comments },
        })
    }

    fn chat(&self, chat: &Chat, viewer: &str) -> Value {
        let mut shown = chat.row.clone();
        let mut members: Vec<_> = chat.members.iter().collect();
        members.sort_by(|one, other| (&one.1.0, one.0).cmp(&(&other.1.0, other.0)));
        let members = members.iter().map(|it| json!({ "user": self.name(it.0) }));
        let read = chat.members[viewer].1;
        let unread = chat.messages.range(read + 1..).map(|it| it.1);
        let unread = unread.filter(|it| it.author != viewer && it.text.is_some());
        let newest = chat.messages.iter().rev().map(|(number, it)| {
            json!({ "number": number, "text": it.text, "author": self.name(&it.author) })
        });
        shown["members"] = members.collect();
        shown["unreadCount"] = unread.count().into();
        shown["messages"] = json!({ "nodes": newest.clone().take(3).collect::<Vec<_>>() });
        shown["lastMessage"] = newest.clone().next().unwrap_or_default();
        shown
    }
}
