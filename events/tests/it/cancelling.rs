//! A statement ends when nobody waits for it: dropped with its request, it costs the database nothing more, and its connection is
//! available to others.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tests::eventually;
use tokio::time::timeout;

use crate::world::{SOON, Way, World, both_ways, connect_patiently};

/// Works for hours, and returns one row.
const ENDLESS: &str =
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000000000)
    select count(*) as number from n";

async fn a_statement_ends_with_whoever_waits_for_it(way: Way) {
    let world = World::new(way).await;
    // Longer than anything is waited for: no time limit of Postgres ends a statement meanwhile.
    let database = connect_patiently(&world.database_url, 4 * SOON).await;
    let statement = Statement::from_string(database.backend(), ENDLESS);
    let waiting: Vec<_> = (0..12)
        .map(|_| {
            let (reader, statement) = (database.reader.clone(), statement.clone());
            tokio::spawn(async move {
                let answer = reader.query_one_raw(statement);
                let _ = timeout(Duration::from_millis(500), answer).await;
            })
        })
        .collect();
    for task in waiting {
        task.await.expect("no panic");
    }
    // This is long before they would have ended.
    let next = Statement::from_string(database.backend(), "select 1 as number");
    eventually("others are answered", SOON, async || {
        let asked = (0..8).map(|_| database.reader.query_one_raw(next.clone()));
        let asked = futures::future::try_join_all(asked);
        timeout(Duration::from_secs(1), asked).await.ok()?.ok()
    })
    .await;
    if database.backend() == DbBackend::Postgres {
        let working =
            "select count(*) as number from pg_stat_activity where datname = current_database()
             and state = 'active' and query like 'with recursive n%'";
        let working = Statement::from_string(DbBackend::Postgres, working);
        eventually("the server stops working", SOON, async || {
            let row = database.reader.query_one_raw(working.clone()).await;
            let row = row.expect("an answer").expect("a row");
            (row.try_get::<i64>("", "number").expect("a number") == 0).then_some(())
        })
        .await;
    }
}

both_ways!(a_statement_ends_with_whoever_waits_for_it);
