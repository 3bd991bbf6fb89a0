//! Random lives of a chat against a model in memory, which counts what is unread as docs/client/domains.md defines it: messages of
//! others, after the last one read, that are not deleted. It counts receipts, too.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::people::Person;
use tests::{Setup, extent};

use super::api::{self, apply, crowd, find, group, members, say};

const RECEIPTS: &str = "query($id: ID!) { chat(id: $id) { messages(first: 100) { nodes { number \
    receipts { recipientCount deliveredCount seenCount } } } } }";

#[derive(Default)]
struct Model {
    /// Author and whether it is deleted, by number from 1.
    messages: Vec<(usize, String, bool)>,
    /// The last number read by each member.
    read: BTreeMap<usize, usize>,
    /// The last number received by each member.
    received: BTreeMap<usize, usize>,
    /// How many messages there were when each member joined.
    since: BTreeMap<usize, usize>,
    /// Longest-standing first; the owner is one of them.
    joined: Vec<usize>,
    owner: usize,
}

impl Model {
    fn unread(&self, person: usize) -> usize {
        let after = self.messages.iter().skip(self.read[&person]);
        after
            .filter(|(author, _, is_deleted)| *author != person && !is_deleted)
            .count()
    }

    /// How many members a message was sent to, was delivered to, and was seen by.
    fn receipts(&self, number: usize) -> [usize; 3] {
        let (author, ..) = self.messages[number - 1];
        let recipients = self.joined.iter().filter(|it| **it != author);
        let recipients: Vec<_> = recipients.filter(|it| self.since[it] < number).collect();
        let count = |has: &dyn Fn(&usize) -> bool| recipients.iter().filter(|it| has(it)).count();
        [
            recipients.len(),
            count(&|it| self.received[it].max(self.read[it]) >= number),
            count(&|it| self.read[it] >= number),
        ]
    }

    fn join(&mut self, person: usize) {
        self.joined.push(person);
        for numbers in [&mut self.read, &mut self.received, &mut self.since] {
            numbers.insert(person, self.messages.len());
        }
    }

    fn depart(&mut self, person: usize) {
        self.joined.retain(|member| *member != person);
        self.read.remove(&person);
        if self.owner == person {
            self.owner = self.joined[0];
        }
    }
}

async fn counts_are_those_of_the_model(setup: Setup) {
    let app = setup.start();
    let crowd = crowd(app.client(), &["Ada", "Bob", "Dan", "Eve"]).await;
    let client = |person: usize| &crowd[person].1;
    let chat = group(client(0), "Tea", &[]).await;
    let mut model = Model::default();
    model.join(0);
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    for step in 0..extent::of(60, 150) {
        let person = model.joined[random.usize(..model.joined.len())];
        match random.u8(..10) {
            0 => {
                let added = random.usize(..crowd.len());
                let input = json!({ "id": chat, "userIds": [crowd[added].0.id] });
                apply(client(person), "addChatMembers", input).await;
                if !model.joined.contains(&added) {
                    model.join(added);
                }
            }
            1 if model.joined.len() > 1 => {
                apply(client(person), "leaveChat", json!({ "id": chat })).await;
                model.depart(person);
            }
            2 if model.owner != person => {
                let input = json!({ "id": chat, "userId": crowd[person].0.id });
                apply(client(model.owner), "removeChatMember", input).await;
                model.depart(person);
            }
            3 | 4 if !model.messages.is_empty() => {
                let number = random.usize(..model.messages.len());
                let (author, id, is_deleted) = &mut model.messages[number];
                if model.joined.contains(author) {
                    let input = json!({ "id": id });
                    apply(client(*author), "deleteMessage", input).await;
                    *is_deleted = true;
                }
            }
            5 => {
                let up_to = random.usize(..=model.messages.len());
                let input = json!({ "id": chat, "upTo": up_to });
                apply(client(person), "markChatRead", input).await;
                let read = model.read.get_mut(&person).expect("a member");
                *read = up_to.max(*read);
            }
            6 => {
                let up_to = random.usize(..=model.messages.len());
                let input = json!({ "id": chat, "upTo": up_to });
                apply(client(person), "markChatDelivered", input).await;
                let received = model.received.get_mut(&person).expect("a member");
                *received = up_to.max(*received);
            }
            _ => {
                let message = say(client(person), &chat, &format!("step {step}")).await;
                model.messages.push((person, api::id_of(&message), false));
                assert_eq!(message["number"], model.messages.len());
                model.read.insert(person, model.messages.len());
            }
        }
        compare(&model, &crowd, &chat, step).await;
    }
}

async fn compare(model: &Model, crowd: &[(Person, Client)], chat: &str, step: usize) {
    for (person, (_, client)) in crowd.iter().enumerate() {
        if !model.joined.contains(&person) {
            assert_eq!(find(client, chat).await, Value::Null);
            continue;
        }
        let shown = find(client, chat).await;
        assert_eq!(shown["unreadCount"], model.unread(person), "step {step}");
        let expected: Vec<_> = model
            .joined
            .iter()
            .map(|member| {
                let role = if *member == model.owner {
                    "OWNER"
                } else {
                    "MEMBER"
                };
                (crowd[*member].0.id.as_str(), role)
            })
            .collect();
        assert_eq!(members(&shown), expected, "step {step}");
        assert_eq!(shown["memberCount"], model.joined.len());
        let answer = client.run(RECEIPTS, json!({ "id": chat })).await;
        let nodes = answer.data()["chat"]["messages"]["nodes"].clone();
        for message in nodes.as_array().expect("messages") {
            let number = message["number"].as_u64().expect("a number") as usize;
            let expected = match model.messages[number - 1].0 == person {
                true => {
                    let [recipients, delivered, seen] = model.receipts(number);
                    json!({ "recipientCount": recipients, "deliveredCount": delivered, "seenCount": seen })
                }
                false => Value::Null,
            };
            assert_eq!(
                message["receipts"], expected,
                "step {step}, message {number}"
            );
        }
    }
}

tests::both_ways!(counts_are_those_of_the_model);
