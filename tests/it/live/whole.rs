//! The parts of an answer agree, though they are read one after the other while others write.

use std::time::Duration;

use serde_json::{Value, json};
use tests::live::Watch;
use tests::{Setup, customers};

use super::names;

const DOCUMENT: &str = "query($one: ID!, $other: ID!) @live(throttle: 10) { one: customer(id: $one) { name } \
    customers(first: 2) { nodes { name } } other: customer(id: $other) { name } }";

async fn what_is_shown_in_between_was_so(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (client, elsewhere) = (app.client(), &app.gateways[app.gateways.len() - 1].client);
    let one = customers::create(client, "One 0", "one@example.com").await;
    let other = customers::create(client, "Other 0", "other@example.com").await;
    let ids = json!({ "one": one["id"], "other": other["id"] });
    let mut watch = Watch::open(elsewhere, DOCUMENT, ids).await;
    let rename = async |id: &Value, name: String| {
        customers::apply(client, "update", json!({ "id": id, "name": name })).await;
    };
    // Two events a round: while the first is answered, the second comes.
    for round in 1..=100 {
        let writing = async {
            rename(&one["id"], format!("One {round}")).await;
            tokio::time::sleep(Duration::from_millis(fastrand::u64(..25))).await;
            rename(&other["id"], format!("Other {round}")).await;
        };
        let last = format!("Other {round}");
        let watching = async {
            while watch.data()["other"]["name"] != *last {
                watch.next().await;
                let data = watch.data();
                let shown = [&data["other"]["name"], &data["one"]["name"]];
                let is_whole = names(&data["customers"]) == shown;
                assert!(is_whole || watch.state().is_mixed, "round {round}: {data}");
            }
        };
        tokio::join!(writing, watching);
    }
}

tests::both_ways!(what_is_shown_in_between_was_so);
