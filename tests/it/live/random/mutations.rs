//! Random mutations of all domains. What they name comes from the model, so that it may be gone meanwhile, which is then their answer.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tests::graphql::Client;

use super::answers::STATUSES;
use super::model::{Model, Objects};

/// The most objects of a kind at once, so that lists stay a few pages long.
const MOST: usize = 60;
/// What may be answered where something has come between.
const PASSING: &[&str] = &["NOT_FOUND", "CONFLICT", "FORBIDDEN"];

/// Chooses mutations.
pub struct Chooser {
    pub rng: Rng,
    /// What texts and addresses begin with, unique to the writer, and how many were made.
    pub name: String,
    pub made: usize,
    /// The id of a user who watches nothing, and whose role changes: answers have to respect rights before they show the change.
    pub bystander: String,
}

/// A mutation: its field and its input.
pub type Mutation = (&'static str, Value);

fn chosen<T>(rng: &mut Rng, all: impl IntoIterator<Item = T>) -> Option<T> {
    let all: Vec<_> = all.into_iter().collect();
    let at = (!all.is_empty()).then(|| rng.usize(..all.len()))?;
    all.into_iter().nth(at)
}

/// Returns the ids of records that are there, or of those that were deleted.
fn ids(all: &Objects, are_there: bool) -> Vec<&String> {
    let all = all.iter();
    let all = all.filter(|(_, row)| row["deletedAt"].is_null() == are_there);
    all.map(|(id, _)| id).collect()
}

impl Chooser {
    /// Chooses the next mutation; `None` where there is nothing for it yet.
    pub fn next(&mut self, model: &Model) -> Option<Mutation> {
        self.made += 1;
        let text = format!("{} {}", self.name, self.made);
        let number = self.rng.u8(..);
        let name = format!("N{number}");
        match self.rng.u8(..10) {
            0..3 => self.on_records(model, &name),
            3..6 => self.on_posts(model, &text),
            6..9 => self.on_chats(model, &text, &name),
            _ => self.on_others(&text, &name),
        }
    }

    fn on_records(&mut self, model: &Model, name: &str) -> Option<Mutation> {
        let email = format!("{}.{}@example.com", self.name, self.made);
        let rng = &mut self.rng;
        let status = STATUSES[rng.usize(..4)];
        let year = rng.u8(1..6);
        let of_students = rng.u8(..3) == 0;
        let (all, kinds) = match of_students {
            true => (
                &model.students,
                [
                    "createStudent",
                    "updateStudent",
                    "deleteStudent",
                    "restoreStudent",
                ],
            ),
            false => (
                &model.customers,
                [
                    "createCustomer",
                    "updateCustomer",
                    "deleteCustomer",
                    "restoreCustomer",
                ],
            ),
        };
        let (there, gone) = (ids(all, true), ids(all, false));
        let mut fields = match of_students {
            true => json!({ "name": name, "year": year }),
            false => json!({ "name": name, "status": status }),
        };
        match rng.u8(..8) {
            0 | 1 if there.len() < MOST => {
                fields["email"] = json!(email);
                if of_students {
                    fields["course"] = json!("Law");
                }
                Some((kinds[0], fields))
            }
            2 => Some((kinds[2], json!({ "id": chosen(rng, there)? }))),
            3 if !gone.is_empty() && there.len() < MOST => {
                // The newest, as the list of those that are gone has no end.
                Some((kinds[3], json!({ "id": gone[gone.len() - 1] })))
            }
            _ => {
                fields["id"] = json!(chosen(rng, there)?);
                Some((kinds[1], fields))
            }
        }
    }

    fn on_posts(&mut self, model: &Model, text: &str) -> Option<Mutation> {
        let rng = &mut self.rng;
        let kind = rng.u8(..12);
        if model.posts.len() < 3 || kind == 0 && model.posts.len() < MOST {
            return Some(("createPost", json!({ "message": text })));
        }
        let (id, post) = chosen(rng, &model.posts)?;
        let comment = chosen(rng, post.comments.values()).map(|it| &it.id);
        Some(match kind {
            0 | 1 if model.posts.len() > MOST / 4 => ("deletePost", json!({ "id": id })),
            0..6 => ("likePost", json!({ "id": id })),
            6 | 7 => ("unlikePost", json!({ "id": id })),
            8 => ("updatePost", json!({ "id": id, "message": text })),
            9 => ("updateComment", json!({ "id": comment?, "text": text })),
            10 => ("deleteComment", json!({ "id": comment? })),
            _ => ("addComment", json!({ "postId": id, "text": text })),
        })
    }

    fn on_chats(&mut self, model: &Model, text: &str, name: &str) -> Option<Mutation> {
        let rng = &mut self.rng;
        let user = chosen(rng, model.users.keys())?;
        let kind = rng.u8(..12);
        if model.chats.len() < 3 || kind == 0 && model.chats.len() < MOST / 4 {
            let input = json!({ "kind": "GROUP", "title": name, "memberIds": [user] });
            return Some(("createChat", input));
        }
        let (id, chat) = chosen(rng, &model.chats)?;
        let newest = chat.messages.values().rev().take(5);
        let message = chosen(rng, newest).map(|it| &it.id);
        Some(match kind {
            0..5 => ("sendMessage", json!({ "chatId": id, "text": text })),
            5 | 6 => ("markChatRead", json!({ "id": id })),
            7 => ("renameChat", json!({ "id": id, "title": name })),
            8 => ("addChatMembers", json!({ "id": id, "userIds": [user] })),
            9 => ("removeChatMember", json!({ "id": id, "userId": user })),
            10 => ("updateMessage", json!({ "id": message?, "text": text })),
            _ => ("deleteMessage", json!({ "id": message? })),
        })
    }

    fn on_others(&mut self, text: &str, name: &str) -> Option<Mutation> {
        let rng = &mut self.rng;
        Some(match rng.u8(..8) {
            0 => {
                let source = ["north", "south"][rng.usize(..2)];
                let value = f64::from(rng.u8(..)) + 0.5;
                ("submitSignal", json!({ "source": source, "value": value }))
            }
            1 => {
                let role = ["MEMBER", "STAFF"][rng.usize(..2)];
                ("setRole", json!({ "id": self.bystander, "role": role }))
            }
            _ => ("updateProfile", json!({ "name": name, "bio": text })),
        })
    }
}

/// Sends a mutation; returns whether it was made. What is not answered may have been made or not.
pub async fn send(client: &Client, (field, input): &Mutation) -> bool {
    let kind = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    let document =
        format!("mutation($input: {kind}!) {{ {field}(input: $input) {{ __typename }} }}");
    let body = json!({ "query": document, "variables": { "input": input } });
    match client.post(&body, &[]).await {
        Ok(answer) if answer.code().is_none() && answer.status == 200 => true,
        Ok(answer) => {
            let code = answer
                .code()
                .unwrap_or_else(|| panic!("{}", answer.http.text()));
            // Nobody removes themselves from a chat.
            let is_self = code == "VALIDATION" && *field == "removeChatMember";
            let is_passing = answer.is_passing() || is_self || PASSING.contains(&code);
            assert!(is_passing, "{field} {input}: {}", answer.http.text());
            false
        }
        // The gateway is away.
        Err(_) => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            false
        }
    }
}
