//! Writers that keep their transaction open for long, while others commit: their events come late, and still come once.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, Statement, TransactionTrait,
};
use serde_json::json;
use tests::writers::Acknowledged;
use tests::{Setup, customers, database, ids};

use super::Scene;

const HELD: Duration = Duration::from_secs(10);

/// What the product does in an update, with the commit left to the caller.
async fn update_in_tx(tx: &DatabaseTransaction, uuid: &str) {
    for statement in [
        format!(
            "update customer set version = 3, name = 'Held open', updated_at = now() where id = '{uuid}'"
        ),
        format!(
            "insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at) \
             select gen_random_uuid(), part, stream, stream_id, 3, type, schema_version, \
             jsonb_set(jsonb_set(data::jsonb, '{{customer,version}}', '3'), '{{customer,name}}', '\"Held open\"')::json, \
             meta, now() from event where stream_id = '{uuid}' and version = 2"
        ),
    ] {
        let done = tx
            .execute_raw(Statement::from_string(
                sea_orm::DbBackend::Postgres,
                statement,
            ))
            .await
            .expect("the statement");
        assert_eq!(done.rows_affected(), 1);
    }
}

async fn transaction_held_open(setup: Setup) {
    let mut scene = Scene::begin("transactions held open for 10 s", &setup, 2, 1).await;
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
        update_in_tx(&tx, &ids::uuid_digits(&id).expect("an id")).await;
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
