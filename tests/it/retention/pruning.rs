//! Everything goes on behind what was pruned: versions, folds, histories, chains, read models, followers, rebuilds.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::graphql::Client;
use tests::{Setup, customers, database, eventually, ids};

use super::{SOON, head, prune_all, pruned, run};
use crate::posts::api as posts;

const HISTORY: &str = "query($id: ID!) { customer(id: $id) { history(first: 100) { firstVersion nodes { version type } } } }";

async fn history(client: &Client, id: &Value) -> Value {
    client.run(HISTORY, json!({ "id": id })).await.data()["customer"]["history"].clone()
}

async fn everything_goes_on(setup: Setup) {
    let mut app = setup.start();
    let client = app.client().clone();
    let database = setup.database().await;
    let [still, moving] = [
        customers::create(&client, "Still", "still@example.com").await,
        customers::create(&client, "Moving", "moving@example.com").await,
    ];
    for number in 0..40 {
        customers::create(&client, "Many", &format!("{number}@example.com")).await;
    }
    let post = posts::create(&client, "First").await;
    posts::comment(&client, &post, "A comment").await;
    let liked = posts::like(&client, &post).await;
    posts::becomes(&client, &liked).await;
    let input = json!({ "name": "Ada", "email": "ada@example.com", "course": "Logic", "year": 1 });
    let create =
        "mutation($input: CreateStudentInput!) { createStudent(input: $input) { student { id } } }";
    let student = client.run(create, json!({ "input": input })).await.data()["createStudent"]
        ["student"]["id"]
        .clone();
    let cached = async || {
        let sql =
            "select coalesce(max(version), 0) as number from event where stream = 'student_cache'";
        database::number(&database, sql).await
    };
    eventually("the student is cached", SOON, async || {
        (cached().await >= 1).then_some(())
    })
    .await;
    assert_eq!(history(&client, &still["id"]).await["firstVersion"], 1);
    let then = posts::find_at(&client, &post["id"], 2).await;
    let total = eventually("all are counted", SOON, async || {
        let total = customers::statistics(&client).await["total"].clone();
        (total == 42).then_some(total)
    })
    .await;

    let pruned = prune_all(&setup, &database).await;
    // What is left of what was pruned: posts, and the last event of streams whose versions are nowhere else.
    let left = format!(
        "select count(*) as number from event e join event_position p on p.inserted = e.inserted
         where p.position <= {pruned} and e.stream not in ('post', 'student_cache', 'operations', 'erasure')"
    );
    assert_eq!(database::number(&database, &left).await, 0);
    let of_post = "select count(*) as number from event where stream = 'post'";
    assert_eq!(database::number(&database, of_post).await, 3);

    for turn in ["at once", "after a restart"] {
        // Customers, whose state is in tables.
        let gone = history(&client, &still["id"]).await;
        assert_eq!(gone, json!({ "firstVersion": null, "nodes": [] }), "{turn}");
        let found = customers::find(&client, &moving["id"]).await;
        let version = found["version"].as_i64().expect("a version");
        let update = |expected: i64, name: &str| json!({ "id": moving["id"], "expectedVersion": expected, "name": name });
        let conflict = customers::send(&client, "update", update(version - 1, "Old")).await;
        assert_eq!(conflict.expect_code("CONFLICT")["currentVersion"], version);
        let updated = customers::apply(&client, "update", update(version, turn)).await;
        assert_eq!(updated["version"], version + 1, "{turn}");
        let left = history(&client, &moving["id"]).await;
        assert_eq!(left["firstVersion"], 2, "{turn}: {left}");
        // Posts, whose state is their streams.
        assert_eq!(
            posts::find_at(&client, &post["id"], 2).await,
            then,
            "{turn}"
        );
        let edit = json!({ "id": post["id"], "message": turn });
        let edited = posts::apply(&client, "updatePost", edit).await["post"].clone();
        posts::becomes(&client, &edited).await;
        if turn == "at once" {
            assert_eq!(edited["version"], 4);
            app.gateways[0].kill_and_restart();
        }
    }
    // Versions that are nowhere but in the log go on.
    let update =
        "mutation($input: UpdateStudentInput!) { updateStudent(input: $input) { student { id } } }";
    let input = json!({ "id": student, "name": "Ada Lovelace" });
    client.run(update, json!({ "input": input })).await.data();
    eventually("the student is cached again", SOON, async || {
        (cached().await >= 2).then_some(())
    })
    .await;
    // The chains go on, so the followers do.
    let count = total.as_u64().expect("a number");
    customers::create(&client, "New", "new@example.com").await;
    eventually("the new one is counted", SOON, async || {
        (customers::statistics(&client).await["total"] == count + 1).then_some(())
    })
    .await;
    check_chains(&database, pruned).await;
    let printed = rebuild(&setup);
    assert!(printed.contains("equal, row by row"), "{printed}");
    // And once more, over what was kept the first time.
    let again = prune_all(&setup, &database).await;
    assert!(again > pruned);
    let of_cache = "select count(*) as number from event where stream = 'student_cache'";
    assert_eq!(database::number(&database, of_cache).await, 1);
    assert_eq!(super::pruned(&database).await, again);
    customers::create(&client, "Newest", "newest@example.com").await;
    eventually("the newest is counted", SOON, async || {
        (customers::statistics(&client).await["total"] == count + 2).then_some(())
    })
    .await;
}

fn rebuild(setup: &Setup) -> String {
    run(setup, "rebuild", &["posts"])
}

/// Every event behind what was pruned names the one before it in its part, or one that was pruned.
async fn check_chains(database: &sea_orm::DatabaseConnection, pruned: u64) {
    let head = head(database).await;
    let broken = format!(
        "select count(*) as number from event_position p join event e on e.inserted = p.inserted
         where p.position > {pruned} and p.position <= {head} and p.previous > {pruned}
           and p.previous <> (select max(b.position) from event_position b join event o on o.inserted = b.inserted
                              where o.part = e.part and b.position < p.position)"
    );
    assert_eq!(database::number(database, &broken).await, 0);
    let first = format!(
        "select count(*) as number from event_position p join event e on e.inserted = p.inserted
         where p.position > {pruned} and p.previous = 0
           and exists (select 1 from checkpoint c where c.part = e.part and c.position > 0 and c.position < p.position)"
    );
    assert_eq!(database::number(database, &first).await, 0);
}

/// Mutations go on while much is pruned, and their events get their positions without delay.
async fn nobody_waits_for_long(setup: Setup) {
    super::seed(&setup, 12_000);
    let app = setup.start();
    let database = setup.database().await;
    let client = app.client().clone();
    let goal = head(&database).await;
    let behind = format!(
        "select count(*) as number from event e join event_position p on p.inserted = e.inserted
         join (select distinct follower from checkpoint) f on true
         left join checkpoint k on k.follower = f.follower and k.part = e.part
         where p.position <= {goal} and p.position > coalesce(k.position, 0)"
    );
    eventually("all followers are there", SOON, async || {
        let total = customers::statistics(&client).await["total"].clone();
        (total == 12_000 && database::number(&database, &behind).await == 0).then_some(())
    })
    .await;
    let heard = async |number: u32| {
        let cursor = client.head().await;
        let began = Instant::now();
        customers::create(&client, "Meanwhile", &format!("m{number}@example.com")).await;
        while ids::position(&client.head().await) <= ids::position(&cursor) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        began.elapsed()
    };
    let mut calm = Duration::ZERO;
    for number in 0..10 {
        calm = calm.max(heard(number).await);
    }
    let pruning = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        let done = tests::recipe::finish(&mut super::command(
            &setup,
            "prune",
            &["--older-than", "0s"],
        ));
        (setup, done, began.elapsed())
    });
    let mut longest = Duration::ZERO;
    let (mut number, mut during) = (10, 0);
    while !pruning.is_finished() {
        longest = longest.max(heard(number).await);
        number += 1;
        during += u32::from(pruned(&database).await < goal);
    }
    let (setup, done, took) = pruning.await.expect("it ends");
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{printed}");
    assert!(pruned(&database).await >= goal, "{printed}");
    println!(
        "{printed}took {took:?}; {number} mutations ({during} before the end), the longest until it was heard of {longest:?}, {calm:?} when calm"
    );
    assert!(during >= 3, "{during} mutations met the pruning");
    let most = Duration::from_secs(2).max(20 * calm);
    assert!(longest < most, "{longest:?} of {most:?}");
    // When nothing more is written all of it goes.
    assert!(prune_all(&setup, &database).await >= goal);
}

tests::both_ways!(everything_goes_on);
tests::both_ways!(alone: nobody_waits_for_long);
