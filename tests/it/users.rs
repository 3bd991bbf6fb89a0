//! Users through the API: profiles, usernames, avatars, lists, roles, and whether they are here.

mod availability;
mod avatars;
mod gateways;
mod listing;
mod mails;
mod presence;
mod profiles;
mod roles;
mod sessions;
mod sockets;
mod usernames;

use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::waiting::SOON;
use tests::{database, eventually, ids};

/// What the API shows of a user being here: availability and last seen.
async fn shown(client: &Client, id: &str) -> (String, Value) {
    let document = "query Shown($id: ID!) { user(id: $id) { availability lastSeenAt } }";
    let answer = client.run(document, json!({ "id": id })).await;
    let user = &answer.data()["user"];
    let availability = user["availability"].as_str().expect("an availability");
    (availability.to_owned(), user["lastSeenAt"].clone())
}

/// Waits until the user is shown like this, and gives when they were last seen.
async fn becomes(client: &Client, id: &str, availability: &str) -> Value {
    let what = format!("{id} is shown {availability}");
    eventually(&what, SOON, async || {
        let (now, last_seen_at) = shown(client, id).await;
        (now == availability).then_some(last_seen_at)
    })
    .await
}

/// The presence events of a user, in order.
async fn presence_events(database: &DatabaseConnection, id: &str) -> Vec<String> {
    let uuid = ids::uuid_digits(id).expect("an id");
    let log = database::log(database).await;
    let of_user = log
        .into_iter()
        .filter(|entry| entry.id == uuid && entry.data.get("seenAt").is_some());
    let mut events: Vec<_> = of_user.collect();
    events.sort_by_key(|entry| entry.version);
    let versions: Vec<_> = events.iter().map(|entry| entry.version).collect();
    assert_eq!(versions, (1..=events.len() as u64).collect::<Vec<_>>());
    assert!(events.iter().all(|entry| entry.meta["actor"] == "presence"));
    events.into_iter().map(|entry| entry.kind).collect()
}

async fn choose(client: &Client, availability: &str) -> Value {
    let document = "mutation Choose($input: SetAvailabilityInput!) { \
        setAvailability(input: $input) { user { availability version } } }";
    let input = json!({ "availability": availability });
    let answer = client.run(document, json!({ "input": input })).await;
    answer.data()["setAvailability"]["user"].clone()
}

/// A time as text that can be compared: all are in UTC with the same precision.
fn comparable(time: &Value) -> String {
    let text = time.as_str().unwrap_or_else(|| panic!("no time: {time}"));
    let (seconds, fraction) = text
        .split_once('.')
        .unwrap_or((text.trim_end_matches('Z'), ""));
    let digits: String = fraction.chars().filter(char::is_ascii_digit).collect();
    format!("{seconds}.{digits:0<6}")
}
