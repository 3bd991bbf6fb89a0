//! Nothing is pruned that somebody needs: a follower that has not passed it or never ran, a dead letter, a rebuild that has
//! begun. And a follower that never ran does not begin behind what was pruned without saying so.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::{Setup, customers, database, eventually};

use super::{SOON, head, letter_about, prune_all, pruned, run, seed};

async fn held_back_by_those_who_need_it(setup: Setup) {
    let database = setup.database().await;
    let before = head(&database).await;
    // While nobody follows.
    seed(&setup, 30);
    let printed = run(&setup, "prune", &["--older-than", "0s"]);
    assert!(printed.contains("the follower "), "{printed}");
    assert!(printed.contains("has come no further"), "{printed}");
    assert!(pruned(&database).await <= before, "{printed}");

    let app = setup.start();
    eventually("the customers are counted", SOON, async || {
        (customers::statistics(app.client()).await["total"] == 30).then_some(())
    })
    .await;
    let last = head(&database).await;
    let held = last - 10;
    let execute = async |sql: &str| {
        database.execute_unprepared(sql).await.expect(sql);
    };
    execute(&letter_about(&setup, held)).await;
    eventually("all before the letter is pruned", SOON, async || {
        let printed = run(&setup, "prune", &["--older-than", "0s"]);
        assert!(pruned(&database).await < held, "{printed}");
        (pruned(&database).await == held - 1 && printed.contains("a dead letter")).then_some(())
    })
    .await;
    execute("delete from dead_letter").await;
    execute("insert into rebuild (follower, phase) values ('posts', 'building')").await;
    let printed = run(&setup, "prune", &["--older-than", "0s"]);
    assert!(
        printed.contains("the rebuild of posts has not ended"),
        "{printed}"
    );
    assert_eq!(pruned(&database).await, held - 1);
    execute("delete from rebuild").await;
    assert!(prune_all(&setup, &database).await >= last);
    let printed = run(&setup, "prune", &["--older-than", "1h"]);
    assert!(!printed.contains("pruned 1 "), "{printed}");
}

/// Up to the first event that a follower has not applied, wherever the checkpoint of its part is.
async fn held_by_the_next_event_of_a_part(setup: Setup) {
    seed(&setup, 200);
    let mut app = setup.start();
    let database = setup.database().await;
    let behind =
        "select count(*) as number from event e join event_position p on p.inserted = e.inserted
         join (select distinct follower from checkpoint) f on true
         left join checkpoint k on k.follower = f.follower and k.part = e.part
         where p.position > coalesce(k.position, 0)";
    eventually("all followers are there", SOON, async || {
        let total = customers::statistics(app.client()).await["total"].clone();
        (total == 200 && database::number(&database, behind).await == 0).then_some(())
    })
    .await;
    tokio::task::block_in_place(|| {
        app.gateways[0].process.kill();
        app.workers
            .iter_mut()
            .for_each(tests::process::Process::kill);
    });
    let next = head(&database).await - 20;
    let of_next = format!(
        "from event e join event_position p on p.inserted = e.inserted where p.position = {next}"
    );
    let step_back = format!(
        "update checkpoint set position = (select p.previous {of_next})
         where follower = 'customer_statistics' and part = (select e.part {of_next})"
    );
    let changed = database.execute_unprepared(&step_back).await;
    assert_eq!(changed.expect("an update").rows_affected(), 1);
    let printed = run(&setup, "prune", &["--older-than", "0s"]);
    assert!(
        printed.contains("the follower customer_statistics has come no further"),
        "{printed}"
    );
    assert_eq!(pruned(&database).await, next - 1, "{printed}");
}

/// The names of followers whose checkpoints are lost are those of followers that never ran.
async fn followers_starting_anew(mut setup: Setup) {
    setup.settings.set("MILLRACE_LEASE", "1s");
    let mut app = setup.start();
    let database = setup.database().await;
    let client = app.client().clone();
    for number in 0..20 {
        customers::create(&client, "Early", &format!("{number}@example.com")).await;
    }
    prune_all(&setup, &database).await;
    let stop = |app: &mut tests::Running| {
        tokio::task::block_in_place(|| match app.workers.pop() {
            Some(mut workers) => workers.kill(),
            None => app.gateways[0].process.kill(),
        });
    };
    stop(&mut app);
    for table in ["checkpoint", "follower_member"] {
        let sql =
            format!("delete from {table} where follower in ('customer_statistics', 'deliveries')");
        database.execute_unprepared(&sql).await.expect("forgotten");
    }
    let log = match setup.is_distributed() {
        true => {
            app.workers.push(setup.workers(&[]));
            app.workers[0].log()
        }
        false => {
            app.gateways[0].restart();
            app.gateways[0].process.log()
        }
    };
    drop(log);
    let log = |app: &tests::Running| match app.workers.first() {
        Some(workers) => workers.log(),
        None => app.gateways[0].process.log(),
    };
    eventually(
        "the one that needs all of the log says so",
        SOON,
        async || {
            log(&app)
                .contains("customer_statistics has never run, and the events up to position")
                .then_some(())
        },
    )
    .await;
    let checkpoints = async |follower: &str| {
        let sql = format!(
            "select count(*) as number from checkpoint where follower = '{follower}' and position > 0"
        );
        database::number(&database, &sql).await
    };
    assert_eq!(checkpoints("customer_statistics").await, 0);
    eventually(
        "the one that does not begins with what is left",
        SOON,
        async || (checkpoints("deliveries").await > 0).then_some(()),
    )
    .await;
    // It has begun where each part does, so it goes on: the next events are applied.
    for number in 0..20 {
        customers::create(&client, "Late", &format!("late{number}@example.com")).await;
    }
    let goal = head(&database).await;
    eventually("it goes on", SOON, async || {
        let sql = "select coalesce(max(position), 0) as number from checkpoint where follower = 'deliveries'";
        (database::number(&database, sql).await >= goal).then_some(())
    })
    .await;
    // The other holds the log, as it still may be helped. The rest may be behind for a moment.
    let at = pruned(&database).await;
    eventually("the other alone holds the log", SOON, async || {
        let printed = run(&setup, "prune", &["--older-than", "0s"]);
        printed
            .contains("the follower customer_statistics has come no further")
            .then_some(())
    })
    .await;
    assert_eq!(pruned(&database).await, at);
    assert_eq!(checkpoints("customer_statistics").await, 0);
}

/// Set in the settings, it happens by itself.
async fn by_itself(mut setup: Setup) {
    let archive = setup.directory.join("archive");
    setup.settings.set("MILLRACE_RETENTION", "3s");
    setup
        .settings
        .set("MILLRACE_ARCHIVE", &archive.display().to_string());
    let app = setup.start();
    let database = setup.database().await;
    for number in 0..30 {
        customers::create(
            app.client(),
            "Kept for 3 s",
            &format!("{number}@example.com"),
        )
        .await;
    }
    let goal = head(&database).await;
    assert!(pruned(&database).await < goal, "not before its time");
    eventually("the events are pruned", SOON, async || {
        (pruned(&database).await >= goal).then_some(())
    })
    .await;
    let manifest = std::fs::read(archive.join("manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let last = manifest["files"]
        .as_array()
        .and_then(|files| files.last()?["last"].as_u64());
    assert!(
        last >= Some(goal),
        "archived before it was pruned: {manifest}"
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    let created = customers::create(app.client(), "After", "after@example.com").await;
    assert_eq!(created["version"], json!(1));
}

tests::both_ways!(
    held_back_by_those_who_need_it,
    held_by_the_next_event_of_a_part,
    followers_starting_anew,
    by_itself
);
