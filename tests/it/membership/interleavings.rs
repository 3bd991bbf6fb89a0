//! Random interleavings of joins, leaves, removals, messages and reconnects. Chosen by a seed, which a failure tells;
//! MEMBERSHIP_SEED repeats the choices, though not what the machine makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tests::graphql::Client;
use tests::people::{self, Person};
use tests::waiting::SOON;
use tests::{Running, Setup, chats, eventually, extent};

use super::ear::{Ear, Heard, Hears};

const CHATS: usize = 3;
const PEOPLE: usize = 6;
/// What was wrongly sent would have come by now.
const GRACE: Duration = Duration::from_millis(500);

/// What happened in one chat, by the clock of the one who did it.
#[derive(Default)]
struct Record {
    /// When the sending of each message began, by number from 1.
    began: BTreeMap<u64, Instant>,
    /// For each person: when each departure was answered, and when the next coming began.
    away: BTreeMap<usize, Vec<(Instant, Option<Instant>)>>,
}

impl Record {
    fn is_away(&self, person: usize) -> bool {
        self.away[&person]
            .last()
            .is_some_and(|(_, until)| until.is_none())
    }

    /// The messages that were sent after this member came for the last time: a life does one thing at a time.
    fn after_coming(&self, person: usize) -> impl Iterator<Item = u64> {
        let came = self.away[&person].last().and_then(|(_, until)| *until);
        let after = self
            .began
            .iter()
            .filter(move |(_, began)| came.is_some_and(|came| **began > came));
        after.map(|(number, _)| *number)
    }

    fn last_after_coming(&self, person: usize) -> u64 {
        self.after_coming(person).last().unwrap_or(0)
    }

    /// Why this must not have been heard, if so: it was sent after the person had gone, and came before they could be back.
    fn offence(&self, person: usize, heard: &Heard) -> Option<String> {
        let began = self.began.get(&heard.number)?;
        self.away[&person]
            .iter()
            .find(|(from, until)| from <= began && until.is_none_or(|until| heard.at < until))
            .map(|(from, _)| {
                format!(
                    "message {} was sent {:?} after person {person} had gone, and came to them: {heard:?}",
                    heard.number,
                    *began - *from
                )
            })
    }
}

struct Scene {
    chat: String,
    owner: Client,
    people: Arc<Vec<(Person, Vec<Client>)>>,
}

/// One chat's life. Its owner stays, so that there is somebody who can add and remove.
async fn live(scene: Scene, mut random: Rng) -> (String, Record) {
    let mut record = Record::default();
    // Nobody is in it yet.
    let never = Instant::now();
    for person in 0..PEOPLE {
        record.away.insert(person, vec![(never, None)]);
    }
    for step in 0..extent::of(70, 150) {
        let person = random.usize(..PEOPLE);
        let (who, clients) = &scene.people[person];
        let client = &clients[random.usize(..clients.len())];
        let is_away = record.is_away(person);
        let away = record.away.get_mut(&person).expect("a person");
        match random.u8(..10) {
            0..=2 if is_away => {
                away.last_mut().expect("an absence").1 = Some(Instant::now());
                chats::add(&scene.owner, &scene.chat, &who.id).await;
            }
            0 if !is_away => {
                chats::leave(client, &scene.chat).await;
                away.push((Instant::now(), None));
            }
            1 if !is_away => {
                chats::remove(&scene.owner, &scene.chat, &who.id).await;
                away.push((Instant::now(), None));
            }
            _ => {
                let speaker = if is_away { &scene.owner } else { client };
                let began = Instant::now();
                let message = chats::say(speaker, &scene.chat, &format!("step {step}")).await;
                record
                    .began
                    .insert(message["number"].as_u64().expect("a number"), began);
            }
        }
    }
    (scene.chat, record)
}

async fn nobody_hears_what_is_not_theirs(setup: Setup) {
    let seed = std::env::var("MEMBERSHIP_SEED").map_or_else(
        |_| fastrand::u64(..),
        |seed| seed.parse().expect("MEMBERSHIP_SEED is a number"),
    );
    println!("MEMBERSHIP_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let app = setup.start_many(2, 1, &[]);
    let admin = app.client();
    let start = admin.head().await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let person = people::register(admin, &format!("Person {number}")).await;
        people.push((person.clone(), clients_of(&app, &person)));
    }
    let people = Arc::new(people);
    let mut names = Vec::new();
    for number in 0..CHATS {
        names.push(chats::create_group(admin, &format!("Chat {number}"), &[]).await);
    }
    let mut ears = BTreeMap::new();
    for (person, (_, clients)) in people.iter().enumerate() {
        let all = names
            .iter()
            .map(|chat| Hears::Chat(chat.clone()))
            .chain([Hears::Own]);
        for (index, hears) in all.enumerate() {
            let mut clients = clients.clone();
            random.shuffle(&mut clients);
            let turns = random.usize(5..60);
            let ear = Ear::open(clients, hears, &start, turns, random.u64(..));
            ears.insert((person, index), ear);
        }
    }
    let lives = names.iter().map(|chat| {
        let scene = Scene {
            chat: chat.clone(),
            owner: admin.clone(),
            people: people.clone(),
        };
        tokio::spawn(live(scene, random.fork()))
    });
    let lives: Vec<_> = lives.collect();
    let mut records = BTreeMap::new();
    for life in lives {
        let (chat, record) = life.await.expect("a life");
        records.insert(chat, record);
    }
    await_members(&names, &records, &ears).await;
    tokio::time::sleep(GRACE).await;
    let (connections, refusals) = ears
        .values()
        .map(Ear::adventures)
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let mut deliveries = 0;
    for ((person, index), ear) in ears {
        let heard = ear.close();
        deliveries += heard.len();
        compare(&records, &heard, person);
        match names.get(index) {
            Some(chat) => compare_chat(&records[chat], &heard, person),
            None => compare_own(&records, &heard, person),
        }
    }
    println!("{deliveries} deliveries over {connections} connections, {refusals} refusals");
    assert!(
        refusals > 0 && deliveries > extent::of(200, 500),
        "{deliveries} deliveries, {refusals} refusals"
    );
}

fn clients_of(app: &Running, person: &Person) -> Vec<Client> {
    app.clients()
        .iter()
        .map(|client| person.client(client))
        .collect()
}

/// Whoever is a member in the end hears everything in the end.
async fn await_members(
    names: &[String],
    records: &BTreeMap<String, Record>,
    ears: &BTreeMap<(usize, usize), Ear>,
) {
    for ((person, index), ear) in ears {
        // The last ear is to all of them.
        let listened: Vec<&String> = names
            .get(*index)
            .map_or(names.iter().collect(), |chat| vec![chat]);
        for chat in listened {
            let record = &records[chat];
            let is_own = *index == names.len();
            let last = if is_own {
                record.last_after_coming(*person)
            } else {
                record.began.len() as u64
            };
            if !record.is_away(*person) {
                let what = format!("person {person} hears message {last} of {chat}, own: {is_own}");
                eventually(&what, SOON, async || {
                    (ear.last_of(chat) >= last).then_some(())
                })
                .await;
            }
        }
    }
}

/// Nothing that was said while they were away; each message of a chat once, and in order.
fn compare(records: &BTreeMap<String, Record>, heard: &[Heard], person: usize) {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for one in heard {
        if let Some(offence) = records[&one.chat].offence(person, one) {
            panic!("{offence}");
        }
        let before = last.insert(&one.chat, one.number).unwrap_or(0);
        assert!(
            before < one.number,
            "person {person} heard {} after {before}",
            one.number
        );
        assert!(one.text.is_some(), "nothing was deleted: {one:?}");
    }
}

/// Of one chat everything from its beginning, as members see all of it: to its end for members, to somewhere for others.
fn compare_chat(record: &Record, heard: &[Heard], person: usize) {
    let numbers: Vec<u64> = heard.iter().map(|one| one.number).collect();
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected, "person {person} lost none in between");
    if !record.is_away(person) {
        assert_eq!(
            numbers.len(),
            record.began.len(),
            "person {person} lost none in the end"
        );
    }
}

/// Of one's own chats at least what was said after one came for the last time.
fn compare_own(records: &BTreeMap<String, Record>, heard: &[Heard], person: usize) {
    for (chat, record) in records.iter().filter(|(_, record)| !record.is_away(person)) {
        for number in record.after_coming(person) {
            let has_come = heard
                .iter()
                .any(|one| one.chat == *chat && one.number == number);
            assert!(
                has_come,
                "person {person} did not hear {number} among their own"
            );
        }
    }
}

tests::both_ways!(nobody_hears_what_is_not_theirs);
