//! Deliveries that come again, for every handler, in any order: as after a restored queue, or a bug in one. Nothing that was
//! done is done again.

use sea_orm::ConnectionTrait;
use tests::signals::{await_end, find, submit};
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

async fn deliveries_that_come_again_change_nothing(setup: Setup) {
    let app = setup.start_many(1, 2, &[]);
    let client = app.client();
    let mut ended = Vec::new();
    for number in 0..5 {
        let id = submit(client, "again", f64::from(number)).await["id"].clone();
        ended.push(await_end(client, &id).await);
    }
    let database = setup.database().await;
    let all_done = async || {
        let open = "select count(*) as number from delivery where state <> 'done'";
        eventually("all deliveries are done", SOON, async || {
            (database::number(&database, open).await == 0).then_some(())
        })
        .await;
    };
    all_done().await;
    let of_signals = async || {
        let log = database::log(&database).await;
        let of_signals = log.into_iter().filter(|entry| entry.stream == "signal");
        of_signals
            .map(|entry| (entry.id, entry.version, entry.kind))
            .collect::<Vec<_>>()
    };
    let before = of_signals().await;
    assert_eq!(before.len(), 35);
    for _ in 0..3 {
        let again = "update delivery set state = 'waiting', attempts = 0, owner = null, leased_until = null";
        database.execute_unprepared(again).await.expect("an update");
        all_done().await;
        assert_eq!(of_signals().await, before, "no event more");
        for signal in &ended {
            assert_eq!(find(client, &signal["id"]).await, *signal);
        }
    }
    let results = "select count(*) as number from signal_result";
    assert_eq!(database::number(&database, results).await, 15);
}

tests::both_ways!(deliveries_that_come_again_change_nothing);
