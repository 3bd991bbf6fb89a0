//! What the relay must notice by itself: that the database is older than what Redis and the clients have seen, and that
//! nobody has read yet what it relays.

use std::time::Duration;

use serde_json::json;
use tests::graphql::Client;
use tests::{
    Setup, customers, eventually, ids, postgres::Postgres, redis::Redis, template::copy_sqlite,
    waiting::SOON,
};

async fn create(client: &Client, range: std::ops::Range<u32>) {
    for number in range {
        customers::create(client, "Kept", &format!("{number}@example.com")).await;
    }
}

/// After a restore positions are given out anew. A cursor from before would skip events, so it is refused.
async fn older_backup_restored(_: Setup) {
    let (postgres, redis) = (Postgres::shared(), Redis::start());
    let setup = Setup::distributed_on(postgres, &redis);
    let name = setup.database_url.rsplit('/').next().expect("a name");
    let mut app = setup.start_many(1, 0, &[]);
    let start = app.client().head().await;
    create(app.client(), 0..10).await;
    app.client().head_after(&start, 10).await;
    app.gateways[0].process.kill();
    let copy = |to: &str, from: &str| {
        eventually("the database is idle", SOON, {
            let (to, from) = (to.to_owned(), from.to_owned());
            async move || {
                let busy =
                    format!("select count(*) from pg_stat_activity where datname = '{from}'");
                (postgres.execute("postgres", &busy) == "0").then(|| {
                    postgres.execute("postgres", &format!("create database {to} template {from}"));
                })
            }
        })
    };
    let backup = format!("{name}_backup");
    copy(&backup, name).await;

    app.gateways[0].restart();
    create(app.client(), 10..40).await;
    let old = app.client().head_after(&start, 40).await;
    app.gateways[0].process.kill();
    postgres.execute("postgres", &format!("drop database {name} with (force)"));
    copy(name, &backup).await;

    app.gateways[0].restart();
    eventually("a new epoch", SOON, async || {
        (ids::epoch(&app.client().head().await) != ids::epoch(&old)).then_some(())
    })
    .await;
    let now = app.client().head().await;
    create(app.client(), 100..150).await;
    let mut socket = app.client().socket().await;
    socket
        .subscribe("old", customers::CHANGES, json!({ "after": old }))
        .await;
    let refused = socket.message().await;
    assert_eq!(refused["type"], "error", "{refused}");
    assert_eq!(
        refused["payload"][0]["extensions"]["code"], "CURSOR_INVALID",
        "{refused}"
    );
    socket
        .subscribe("new", customers::CHANGES, json!({ "after": now }))
        .await;
    for number in 100..150 {
        let change = socket.change("new").await;
        assert_eq!(change["customer"]["email"], format!("{number}@example.com"));
    }
}

/// With everything stopped nobody notices that the file is an older one, so the epoch stays. The cursors tell.
async fn older_file_restored(setup: Setup) {
    let file = setup.directory.join("millrace.db");
    let backup = setup.directory.join("backup.db");
    let mut app = setup.start();
    let start = app.client().head().await;
    create(app.client(), 0..3).await;
    let kept = app.client().head_after(&start, 3).await;
    app.gateways[0].process.kill();
    copy_sqlite(&file, &backup);

    app.gateways[0].restart();
    create(app.client(), 3..8).await;
    let lost = app.client().head_after(&kept, 5).await;
    app.gateways[0].process.kill();
    copy_sqlite(&backup, &file);

    app.gateways[0].restart();
    create(app.client(), 100..120).await;
    let now = app.client().head_after(&kept, 20).await;
    assert_eq!(ids::epoch(&now), ids::epoch(&lost), "nobody can tell");
    assert!(ids::position(&now) > ids::position(&lost));
    let mut socket = app.client().socket().await;
    socket
        .subscribe("lost", customers::CHANGES, json!({ "after": lost }))
        .await;
    let refused = socket.message().await;
    assert_eq!(
        refused["payload"][0]["extensions"]["code"], "CURSOR_INVALID",
        "{refused}"
    );
    socket
        .subscribe("kept", customers::CHANGES, json!({ "after": kept }))
        .await;
    for number in 100..120 {
        let change = socket.change("kept").await;
        assert_eq!(change["customer"]["email"], format!("{number}@example.com"));
    }
}

/// Without a follower nothing may be trimmed; the relay once sent Redis an empty command then, and lost its connection.
async fn no_follower_yet(_: Setup) {
    let redis = Redis::start();
    let setup = Setup::distributed_on(Postgres::shared(), &redis);
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let start = client.head().await;
    let trims = tokio::time::Instant::now() + Duration::from_secs(7);
    let mut number = 0;
    while tokio::time::Instant::now() < trims {
        create(client, number..number + 1).await;
        number += 1;
        client.head_after(&start, u64::from(number)).await;
    }
    let log = app.gateways[0].process.log();
    assert!(!log.contains("lost Redis"), "{log}");
}

tests::embedded!(older_file_restored);
tests::distributed!(older_backup_restored, no_follower_yet);
