//! Clients that hang up in the middle: a mutation is applied as a whole or not at all, and no pooled connection is left inside
//! a transaction.

use std::time::Duration;

use sea_orm::DatabaseConnection;
use serde_json::json;
use tests::http::{Connection, post};
use tests::waiting::SOON;
use tests::{Setup, customers, database, eventually};

const REQUESTS: usize = 200;
/// How many more there are of customers than of their events, or the other way.
const TORN: &str = "select abs((select count(*) from customer) \
    - (select count(*) from event where stream = 'customer')) as number";

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

    let database = setup.database().await;
    // A statement sees both or neither, also while the last ones are under way.
    let torn = database::number(&database, TORN).await;
    assert_eq!(torn, 0, "each customer has its event");
    eventually("no transaction is left open", SOON, async || {
        (idle(&database).await == 0).then_some(())
    })
    .await;
}

/// The number of sessions that sit in a transaction.
async fn idle(database: &DatabaseConnection) -> u64 {
    if !database::is_postgres(database) {
        return 0;
    }
    let statement = "select count(*) as number from pg_stat_activity \
        where datname = current_database() and state like 'idle in transaction%'";
    database::number(database, statement).await
}

tests::both_ways!(hanging_up_harms_nobody);
