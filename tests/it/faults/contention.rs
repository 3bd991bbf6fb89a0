//! Five hundred updates of one customer at once, of which one wins; and many that are repeated until all are applied, one for each
//! version.

use futures::StreamExt;
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::writers::Acknowledged;
use tests::{Setup, customers, extent};

use super::Scene;

const UPDATES: usize = 500;
/// Requests in flight while each retries until it is applied.
const AT_ONCE: usize = 6;

async fn one_customer_wanted_by_all(setup: Setup) {
    let mut scene = Scene::begin("500 updates of one customer at once", &setup, 2, 1).await;
    let clients: Vec<Client> = scene
        .app
        .gateways
        .iter()
        .map(|gateway| gateway.client.clone())
        .collect();
    let id = customers::create(&clients[0], "Wanted", "wanted@example.com").await["id"].clone();

    let attempts = (0..UPDATES).map(|number| {
        let (client, input) = (
            clients[number % clients.len()].clone(),
            input(&id, number, 1),
        );
        async move { customers::send(&client, "update", input).await }
    });
    let answers = futures::future::join_all(attempts).await;
    let won = answers
        .iter()
        .filter(|answer| answer.code().is_none())
        .count();
    assert_eq!(won, 1, "of all that expected version 1");
    for answer in answers.iter().filter(|answer| answer.code().is_some()) {
        assert_eq!(answer.expect_code("CONFLICT")["currentVersion"], 2);
    }

    let updates = extent::of(150, UPDATES);
    let versions: Vec<u64> = futures::stream::iter(0..updates)
        .map(|number| {
            update_until_applied(clients[number % clients.len()].clone(), id.clone(), number)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut sorted = versions.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        (3..3 + updates as u64).collect::<Vec<_>>(),
        "dense, each once"
    );

    let id = id.as_str().expect("an id").to_owned();
    let own = (1..3 + updates as u64).map(|version| Acknowledged {
        id: id.clone(),
        version,
    });
    scene.ledger.enter((own.collect(), 0));
    scene.settle().await;
}

/// Repeats with the version that the conflict tells, and gives the version it made.
async fn update_until_applied(client: Client, id: Value, number: usize) -> u64 {
    let mut expected = 2;
    for _ in 0..10_000 {
        let answer = customers::send(&client, "update", input(&id, number, expected)).await;
        if answer.code().is_none() {
            let version = customers::changed("update", &answer)["version"]
                .as_u64()
                .expect("a version");
            assert_eq!(version, expected + 1, "applied to the version it expected");
            return version;
        }
        expected = answer.expect_code("CONFLICT")["currentVersion"]
            .as_u64()
            .expect("a version");
    }
    panic!("update {number} never won");
}

fn input(id: &Value, number: usize, expected: u64) -> Value {
    // Every name once: an update that changes nothing would make no version.
    json!({ "id": id, "name": format!("Wanted {number} after {expected}"), "expectedVersion": expected })
}

tests::both_ways!(alone: one_customer_wanted_by_all);
