//! Overload: 500 appends to one stream, a subscriber that hardly reads, a rebuild under load.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Injected;
use crate::feed::Feed;
use crate::graphql::Client;
use crate::recipe;
use crate::rig::Rig;
use crate::rig::proxy::Proxy;
use crate::subscriber::Mood;

const APPENDS: u64 = 500;
const SLOW: Duration = Duration::from_secs(10);
const ONE: &[(&str, usize)] = &[("customer", 1)];

pub(super) async fn append_at_once(rig: &mut Rig, turn: usize) -> Injected {
    let id = create_customer(rig, &format!("wanted-{turn}")).await;
    let appends = (0..APPENDS).map(|number| {
        let name = format!("wanted-{turn}-{number}");
        let mut hand = rig.load.hand(name.clone(), rig.load.admins.clone(), number);
        let input = json!({ "id": id, "name": name });
        async move {
            let selection = "customer { version }";
            let changed = hand.ask("updateCustomer", selection, input, ONE).await;
            changed["customer"]["version"].as_u64().unwrap_or(0)
        }
    });
    let mut versions = futures::future::join_all(appends).await;
    let end = Instant::now();
    versions.sort_unstable();
    if versions != (2..2 + APPENDS).collect::<Vec<_>>() {
        return Err(format!("{APPENDS} updates made the versions {versions:?}"));
    }
    Ok(end)
}

async fn create_customer(rig: &Rig, name: &str) -> Value {
    let clients = rig.load.admins.clone();
    let hand = &mut rig.load.hand(name.to_owned(), clients, 0);
    let email = format!("{name}-{:x}@example.com", fastrand::u64(..));
    let input = json!({ "name": name, "email": email });
    let created = hand.ask_version("createCustomer", "customer", input, ONE, 0);
    created.await["id"].take()
}

/// Reads slowly: other subscribers are served meanwhile, and in the end the slow one gets everything.
pub(super) async fn read_slowly(rig: &mut Rig, turn: usize) -> Injected {
    let index = turn % rig.gateways.len();
    let proxy = Proxy::start_narrow(rig.gateways[index].address.port()).await;
    let address = ([127, 0, 0, 1], proxy.port).into();
    let token = rig.load.admins[index].token().unwrap_or_default();
    let client = Client::new(address).signed_in_as(token);
    let start = rig.load.admins[index].head().await;
    let mut feed = Feed::of_customers();
    feed.name = "customers, a byte a second".into();
    rig.load
        .follow_from(feed, vec![client], &start, Mood::Steady);
    rig.load.await_last_connected().await?;
    proxy.throttle(1);
    let slow_until = Instant::now() + SLOW;
    // This is more than fits between the two.
    for burst in 0..2 {
        append_at_once(rig, 1_000 * (turn + 1) + burst).await?;
    }
    rig.recovery(Instant::now()).await?;
    tokio::time::sleep_until(slow_until.into()).await;
    proxy.throttle(0);
    let end = Instant::now();
    let findings = rig.account().await;
    rig.load.leave_last();
    match findings.lines().next() {
        None => Ok(end),
        Some(problem) => Err(problem),
    }
}

/// Rebuilds with the command line, which reports the result.
pub(super) async fn rebuild(rig: &mut Rig, _: usize) -> Injected {
    let mut command = rig.setup.command(&["rebuild", "posts"]);
    let done = tokio::task::block_in_place(|| recipe::finish(&mut command));
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(format!("the rebuild ended with {}: {said}", done.status));
    }
    Ok(Instant::now())
}
