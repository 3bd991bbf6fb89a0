//! Two hundred sockets in twenty chats on two gateways, one of which is killed: all go on with the other, and each message comes
//! to each member exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use tests::graphql::Client;
use tests::people::{self, Person};
use tests::waiting::SOON;
use tests::{Setup, chats, eventually, extent};

use super::ear::{Ear, Hears};

const CHATS: usize = 20;
const MEMBERS: usize = 10;
const RETRY_DELAY: Duration = Duration::from_millis(50);

struct Room {
    chat: String,
    members: Vec<Person>,
}

#[derive(Default)]
struct Progress {
    answered: AtomicUsize,
    stopping: AtomicBool,
}

async fn all_resume_on_the_other_gateway(setup: Setup) {
    let mut app = setup.start_many(2, 1, &[]);
    let clients = app.clients();
    let start = clients[0].head().await;
    let rooms = rooms(&clients[0]).await;
    let mut ears = Vec::new();
    for (room_number, room) in rooms.iter().enumerate() {
        for (number, person) in room.members.iter().enumerate() {
            // Half of each chat begins on the gateway that will be killed.
            let mut own: Vec<Client> = clients.iter().map(|client| person.client(client)).collect();
            own.rotate_left(number % 2);
            let hears = Hears::Chat(room.chat.clone());
            let seed = (room_number * MEMBERS + number) as u64;
            ears.push((room_number, Ear::open(own, hears, &start, usize::MAX, seed)));
        }
    }
    assert_eq!(ears.len(), 200);
    let progress = Arc::new(Progress::default());
    let writers: Vec<_> = rooms
        .iter()
        .map(|room| {
            let speakers: Vec<Vec<Client>> = room
                .members
                .iter()
                .map(|person| clients.iter().map(|client| person.client(client)).collect())
                .collect();
            tokio::spawn(speak(room.chat.clone(), speakers, progress.clone()))
        })
        .collect();

    // In all chats together, before the kill and after it.
    let messages = extent::of(120, 300);
    progress.reaches(messages).await;
    tokio::task::block_in_place(|| app.gateways[0].process.kill());
    let killed_at = progress.answered.load(Ordering::Relaxed);
    progress.reaches(killed_at + messages).await;
    progress.stopping.store(true, Ordering::Relaxed);
    let mut sent = Vec::new();
    for writer in writers {
        sent.push(writer.await.expect("a writer"));
    }

    for (room, ear) in &ears {
        let what = format!("a member of chat {room} hears all {} messages", sent[*room]);
        eventually(&what, SOON * 2, async || {
            (ear.last_of(&rooms[*room].chat) >= sent[*room]).then_some(())
        })
        .await;
    }
    let moved = ears
        .iter()
        .filter(|(_, ear)| ear.adventures().0 > 1)
        .count();
    let mut deliveries = 0;
    for (room, ear) in ears {
        let numbers: Vec<u64> = ear.close().iter().map(|heard| heard.number).collect();
        deliveries += numbers.len();
        assert_eq!(
            numbers,
            (1..=sent[room]).collect::<Vec<_>>(),
            "each once, in order, in chat {room}"
        );
    }
    let messages: u64 = sent.iter().sum();
    println!("{messages} messages, {deliveries} deliveries; {moved} of 200 sockets moved");
    assert_eq!(deliveries as u64, messages * MEMBERS as u64);
    assert!(moved >= 100, "only {moved} sockets had to move");
}

async fn rooms(admin: &Client) -> Vec<Room> {
    let registering = (0..CHATS * MEMBERS)
        .map(|number| async move { people::register(admin, &format!("Member {number}")).await });
    let everybody: Vec<Person> = futures::stream::iter(registering)
        .buffered(8)
        .collect()
        .await;
    let mut rooms = Vec::new();
    for members in everybody.chunks(MEMBERS) {
        let others: Vec<&str> = members[1..]
            .iter()
            .map(|person| person.id.as_str())
            .collect();
        let title = format!("Chat {}", rooms.len());
        let chat = chats::create_group(&members[0].client(admin), &title, &others).await;
        rooms.push(Room {
            chat,
            members: members.to_vec(),
        });
    }
    rooms
}

/// Members speak by turns through either gateway; who gets no answer says it again under the same key. Gives the number of
/// messages.
async fn speak(chat: String, speakers: Vec<Vec<Client>>, progress: Arc<Progress>) -> u64 {
    let mut said = 0;
    while !progress.stopping.load(Ordering::Relaxed) {
        let speaker = &speakers[said as usize % speakers.len()];
        let key = format!("{chat}-{said}");
        let text = format!("message {said}");
        let number = say_until_answered(&chat, &text, &key, speaker).await;
        said += 1;
        assert_eq!(number, said, "each message once, whatever was repeated");
        progress.answered.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    said
}

async fn say_until_answered(chat: &str, text: &str, key: &str, speaker: &[Client]) -> u64 {
    let started = Instant::now();
    while started.elapsed() < SOON {
        let client = &speaker[fastrand::usize(..speaker.len())];
        match chats::try_say(client, chat, text, key).await {
            Ok(answer) if !answer.is_passing() => {
                let number = answer.data()["sendMessage"]["message"]["number"].as_u64();
                return number.expect("a number");
            }
            _ => tokio::time::sleep(RETRY_DELAY).await,
        }
    }
    panic!("{key} got no answer");
}

impl Progress {
    async fn reaches(&self, count: usize) {
        eventually("messages are answered", SOON * 2, async || {
            (self.answered.load(Ordering::Relaxed) >= count).then_some(())
        })
        .await;
    }
}

tests::distributed!(all_resume_on_the_other_gateway);
