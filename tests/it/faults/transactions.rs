//! Writers that keep their transaction open for long, while others commit: their events come late, and still come once.

use std::time::Duration;

use sea_orm::{DatabaseConnection, TransactionTrait};
use serde_json::json;
use tests::held::update_in_tx;
use tests::writers::Acknowledged;
use tests::{Setup, customers, database, ids};

use super::Scene;

const HELD: Duration = Duration::from_secs(4);

async fn transaction_held_open(setup: Setup) {
    let mut scene = Scene::begin("transactions held open for 4 s", &setup, 2, 1).await;
    let client = scene.app.client().clone();
    let database: DatabaseConnection = setup.database().await;
    let mut held = Vec::new();
    let mut own = Vec::new();
    for number in 0..3 {
        let created =
            customers::create(&client, "Held", &format!("held{number}@example.com")).await;
        let id = created["id"].as_str().expect("an id").to_owned();
        customers::apply(&client, "update", json!({ "id": id, "name": "Held once" })).await;
        own.extend((1..=3).map(|version| Acknowledged {
            id: id.clone(),
            version,
        }));
        // One opens while the one before is open, so that snapshots overlap.
        scene.writers.await_more(200).await;
        let tx = database.begin().await.expect("a transaction");
        let uuid = ids::uuid_digits(&id).expect("an id");
        update_in_tx(&tx, &uuid, &format!("held-{number}")).await;
        held.push((tokio::time::Instant::now() + HELD, tx));
    }
    // Not in the order in which they began.
    held.swap(0, 1);
    for (until, tx) in held {
        scene.writers.await_more(200).await;
        tokio::time::sleep_until(until).await;
        let (events, head) = database::log_size(&database).await;
        assert!(
            events.saturating_sub(head) < 2_000,
            "the others are numbered meanwhile: {events} events, head at {head}"
        );
        tx.commit().await.expect("a commit");
    }
    scene.writers.await_more(200).await;
    scene.ledger.enter((own, 0));
    scene.settle().await;
}

tests::distributed!(transaction_held_open);
