//! Clients that hang up in the middle: a mutation is applied as a whole or not at all, and no pooled connection is left inside
//! a transaction.

use std::time::Duration;

use serde_json::json;
use tests::http::{Connection, post};
use tests::{Setup, customers, database, eventually};

const REQUESTS: usize = 200;
const EVENTS: &str = "select count(*) as number from event where stream = 'customer'";

async fn hanging_up_harms_nobody(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    for number in 0..REQUESTS {
        let email = format!("gone-{number}@example.com");
        let body = json!({ "query": customers::CREATE, "variables": { "input": { "name": "Gone", "email": email } } }).to_string();
        let mut connection = Connection::open(app.address()).await.expect("a connection");
        connection
            .write(&client.signed(&post("/graphql", &[], body.as_bytes())))
            .await
            .expect("the request goes out");
        // From before the server has read it to after it has answered.
        tokio::time::sleep(Duration::from_micros(fastrand::u64(..4_000))).await;
        drop(connection);
    }

    let database = setup.database().await;
    let counts = eventually(
        "customers and events agree, and no more come",
        Duration::from_secs(30),
        async || {
            let before = counts(&database).await;
            // Two answered requests later, what was under way has ended.
            client.head().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            (before == counts(&database).await).then_some(before)
        },
    )
    .await;
    assert_eq!(
        counts.0, counts.1,
        "each customer has its event: {counts:?}"
    );
    assert_eq!(counts.2, 0, "transactions left open");

    // Every pooled connection still works: more requests at once than the pool has.
    let attempts = (0..64).map(|number| {
        let (client, email) = (client.clone(), format!("here-{number}@example.com"));
        async move { customers::create(&client, "Here", &email).await }
    });
    futures::future::join_all(attempts).await;
    let found = client
        .run(
            "{ customers(first: 1, filter: { search: \"here-\" }) { totalCount } }",
            json!({}),
        )
        .await;
    assert_eq!(found.data()["customers"]["totalCount"], 64);
}

/// Customers, events, and sessions that sit in a transaction.
async fn counts(database: &sea_orm::DatabaseConnection) -> (u64, u64, u64) {
    let customers = database::number(database, "select count(*) as number from customer").await;
    let events = database::number(database, EVENTS).await;
    let idle = if database::is_postgres(database) {
        let statement = "select count(*) as number from pg_stat_activity \
            where datname = current_database() and state like 'idle in transaction%'";
        database::number(database, statement).await
    } else {
        0
    };
    (customers, events, idle)
}

tests::both_ways!(hanging_up_harms_nobody);
