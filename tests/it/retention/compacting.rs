//! Of posts that were deleted long ago only the deletion is left, and nobody can tell: neither commands, nor folds, nor a rebuild. Until
//! then, and where somebody needs them, they stay whole; also when the process is killed, or two do it.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};
use tests::graphql::Client;
use tests::process::Process;
use tests::{Setup, database, eventually, extent, ids};

use super::{SOON, archiving, command, head, letter_about, prune_all, run};
use crate::posts::{api as posts, hot, replaying};

/// The versions and types of the events that are left of a post.
async fn left(database: &DatabaseConnection, post: &Value) -> Vec<(u64, String)> {
    let id = ids::uuid_digits(post["id"].as_str().expect("an id")).expect("a global id");
    let log = database::log(database).await.into_iter();
    let mut left: Vec<_> = log
        .filter(|entry| entry.id == id)
        .map(|entry| (entry.version, entry.kind))
        .collect();
    left.sort();
    left
}

/// A post with a comment and a like, which makes three events.
async fn make(client: &Client, message: &str) -> Value {
    let post = posts::create(client, message).await;
    posts::comment(client, &post, "A comment").await;
    posts::like(client, &post).await
}

async fn delete(client: &Client, post: &Value) {
    posts::apply(client, "deletePost", json!({ "id": post["id"] })).await;
    posts::vanishes(client, &post["id"]).await;
}

/// Lets everything that is in the log be three days old, and the read model agree with it.
async fn grow_old(setup: &Setup, database: &DatabaseConnection) {
    let then = match setup.is_distributed() {
        true => "occurred_at - interval '3 days'",
        false => "strftime('%Y-%m-%dT%H:%M:%f+00:00', occurred_at, '-3 days')",
    };
    let sql = format!("update event set occurred_at = {then}");
    database.execute_unprepared(&sql).await.expect("old events");
    run(setup, "rebuild", &["posts"]);
}

async fn refuses_all_commands(client: &Client, post: &Value, comment: &Value) {
    let of_post = json!({ "id": post["id"] });
    let expected = json!({ "id": post["id"], "message": "Anew", "expectedVersion": 3 });
    let text = json!({ "id": comment["id"], "text": "Anew" });
    for (field, input) in [
        ("likePost", &of_post),
        ("deletePost", &of_post),
        ("updatePost", &expected),
        (
            "addComment",
            &json!({ "postId": post["id"], "text": "Anew" }),
        ),
        ("updateComment", &text),
    ] {
        let answer = posts::send(client, field, input.clone()).await;
        answer.expect_code("NOT_FOUND");
    }
}

async fn only_the_deletion_is_left(setup: Setup) {
    let mut app = setup.start();
    let client = app.client().clone();
    let database = setup.database().await;
    let before = client.head().await;
    let [kept, gone] = [make(&client, "Kept").await, make(&client, "Gone").await];
    let comment = posts::comment(&client, &gone, "Another").await;
    let delete_it = json!({ "id": gone["id"] });
    let once = posts::send_with_key(&client, "deletePost", delete_it.clone(), Some("once")).await;
    let once = once.data()["deletePost"].clone();
    posts::vanishes(&client, &gone["id"]).await;
    prune_all(&setup, &database).await;
    assert_eq!(
        left(&database, &gone).await.len(),
        5,
        "not in the first day"
    );
    let repeat =
        async || posts::send_with_key(&client, "deletePost", delete_it.clone(), Some("once")).await;
    let again = repeat().await;
    assert_eq!(again.data()["deletePost"], once, "the first answer");

    grow_old(&setup, &database).await;
    let printed = run(&setup, "prune", &["--older-than", "240h"]);
    assert!(!printed.contains("deleted posts"), "{printed}");
    assert_eq!(left(&database, &gone).await.len(), 5, "kept for ten days");
    // Of what it remembers, and of what it reads anew.
    refuses_all_commands(&client, &gone, &comment).await;
    let printed = run(&setup, "prune", &["--older-than", "0s"]);
    assert!(
        printed.contains("removed 4 events of deleted posts"),
        "{printed}"
    );
    let end = (5, "PostDeleted".to_owned());
    assert_eq!(left(&database, &gone).await, std::slice::from_ref(&end));
    assert_eq!(left(&database, &kept).await.len(), 3);
    repeat().await.expect_code("NOT_FOUND");
    for turn in ["at once", "after a restart"] {
        refuses_all_commands(&client, &gone, &comment).await;
        for version in 1..=5 {
            let then = posts::find_at(&client, &gone["id"], version).await;
            assert!(then.is_null(), "{turn}: {then}");
        }
        assert_eq!(
            posts::find_at(&client, &kept["id"], 3).await["likeCount"],
            1
        );
        let edited = json!({ "id": kept["id"], "message": turn, "expectedVersion": 3 });
        let answer = posts::send(&client, "updatePost", edited).await;
        match turn {
            "at once" => assert_eq!(answer.data()["updatePost"]["post"]["version"], 4),
            _ => assert_eq!(answer.expect_code("CONFLICT")["currentVersion"], 4),
        }
        app.gateways[0].kill_and_restart();
    }
    let printed = run(&setup, "rebuild", &["posts"]);
    assert!(printed.contains("equal, row by row"), "{printed}");
    let changes = "subscription($id: ID!, $after: String) { postChanged(id: $id, after: $after) { version } }";
    let mut socket = client.socket().await;
    let from = json!({ "id": gone["id"], "after": before });
    socket.subscribe("old", changes, from).await;
    let told = socket.message().await;
    let code = &told["payload"][0]["extensions"]["code"];
    assert_eq!(code, "CURSOR_EXPIRED", "{told}");

    let status: Value = serde_json::from_str(&run(&setup, "status", &["--json"])).expect("JSON");
    assert_eq!(status["compactedEvents"], 4, "{status}");
    let lowest = "select cast(lowest as bigint) as number from schema_compatibility";
    let name = "select version as text from seaql_migrations where version like '%_compaction'";
    let number = database::texts(&database, name).await[0][1..5].parse::<u64>();
    let lowest = database::number(&database, lowest).await;
    assert_eq!(Ok(lowest), number, "older versions are shut out");
    // A second time, behind the first.
    let next = make(&client, "Next").await;
    delete(&client, &next).await;
    prune_all(&setup, &database).await;
    grow_old(&setup, &database).await;
    run(&setup, "prune", &["--older-than", "0s"]);
    assert_eq!(left(&database, &next).await, [(4, end.1)]);
}

async fn held_by_those_who_need_it(setup: Setup) {
    let app = setup.start();
    let database = setup.database().await;
    let post = make(app.client(), "Gone").await;
    delete(app.client(), &post).await;
    prune_all(&setup, &database).await;
    let first = "select min(p.position) as number from event_position p join event e on e.inserted = p.inserted
        where e.stream = 'post'";
    let first = database::number(&database, first).await;
    grow_old(&setup, &database).await;
    let execute = async |sql: &str| {
        database.execute_unprepared(sql).await.expect(sql);
    };
    let letter = letter_about(&setup, first);
    for (needed, over) in [
        (
            "insert into rebuild (follower, phase) values ('somebody', 'building')",
            "delete from rebuild where follower = 'somebody'",
        ),
        (letter.as_str(), "delete from dead_letter"),
    ] {
        execute(needed).await;
        run(&setup, "prune", &["--older-than", "0s"]);
        assert_eq!(left(&database, &post).await.len(), 4, "{needed}");
        execute(over).await;
    }
    run(&setup, "prune", &["--older-than", "0s"]);
    assert_eq!(left(&database, &post).await.len(), 1);
}

/// What was pruned before there was an archive is in none.
async fn only_what_is_in_the_archive(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let database = setup.database().await;
    let directory = setup.directory.join("archive");
    let text = directory.display().to_string();
    let early = make(client, "Early").await;
    posts::becomes(client, &early).await;
    prune_all(&setup, &database).await;
    let late = make(client, "Late").await;
    for post in [&early, &late] {
        delete(client, post).await;
    }
    let archive = ["--older-than", "0s", "--to", &text];
    let prune = ["--older-than", "0s", "--archived-in", &text];
    let goal = head(&database).await;
    eventually("what is in the archive is pruned", SOON, async || {
        run(&setup, "archive", &archive);
        run(&setup, "prune", &prune);
        (super::pruned(&database).await >= goal).then_some(())
    })
    .await;
    grow_old(&setup, &database).await;
    run(&setup, "archive", &archive);
    run(&setup, "prune", &prune);
    assert_eq!(left(&database, &early).await.len(), 4);
    assert_eq!(left(&database, &late).await.len(), 1);
    let lines = archiving::lines_of_all(&directory);
    let id = replaying::uuid(late["id"].as_str().expect("an id"));
    let of_late = lines.iter().filter(|line| line.contains(&id));
    assert_eq!(of_late.count(), 4);
}

/// Two that prune at once are killed again and again, while commands come.
async fn whole_whenever_it_was_killed(setup: Setup) {
    const LIKES: i64 = 6_000;
    let app = setup.start();
    let client = app.client().clone();
    let database = setup.database().await;
    let long = posts::create(&client, "Long").await;
    posts::becomes(&client, &long).await;
    hot::append_likes(&database, LIKES).await;
    eventually("the likes are in the read model", SOON, async || {
        (posts::find(&client, &long["id"]).await["likeCount"] == LIKES).then_some(())
    })
    .await;
    let mut gone = vec![long];
    for number in 0..30 {
        gone.push(make(&client, &format!("Number {number}")).await);
    }
    let kept = make(&client, "Kept").await;
    for post in &gone {
        delete(&client, post).await;
    }
    prune_all(&setup, &database).await;
    grow_old(&setup, &database).await;

    let mut killed = 0;
    let turns = extent::of(6, 15);
    for turn in 0..turns {
        let flags = ["--older-than", "0s"];
        let start = |which: &str| {
            let name = format!("prune-{turn}-{which}");
            let mut command = command(&setup, "prune", &flags);
            Process::spawn(&name, &setup.directory, &mut command, "KILL")
        };
        let mut both = [start("one"), start("other")];
        tokio::time::sleep(Duration::from_millis(fastrand::u64(50..900))).await;
        for process in &mut both {
            killed += u32::from(process.is_running());
            tokio::task::block_in_place(|| process.kill());
        }
        for post in &gone {
            let like = json!({ "id": post["id"] });
            let answer = posts::send(&client, "likePost", like).await;
            answer.expect_code("NOT_FOUND");
        }
        // What is left of the long one is its beginning and its end.
        let left = left(&database, &gone[0]).await;
        let beginning = left
            .iter()
            .zip(1_u64..)
            .take_while(|(at, number)| at.0 == *number);
        assert!(beginning.count() + 1 >= left.len(), "{left:?}");
        // Postgres may only now end what a killed process has sent.
        let first = posts::find_at(&client, &gone[0]["id"], 1).await;
        let is_over = async || self::left(&database, &gone[0]).await.len() == 1;
        assert!(first["version"] == 1 || is_over().await, "{first}");
    }
    println!("killed {killed} of {} before they ended", turns * 2);
    let printed = run(&setup, "prune", &["--older-than", "0s"]);
    for post in &gone {
        let left = left(&database, post).await;
        assert_eq!(left.len(), 1, "{printed}: {left:?}");
    }
    let removed = "select removed as number from compaction";
    let all = LIKES.unsigned_abs() + 1 + 30 * 3;
    assert_eq!(database::number(&database, removed).await, all);
    assert_eq!(left(&database, &kept).await.len(), 3);
    let printed = run(&setup, "rebuild", &["posts"]);
    assert!(printed.contains("equal, row by row"), "{printed}");
}

tests::both_ways!(
    only_the_deletion_is_left,
    held_by_those_who_need_it,
    only_what_is_in_the_archive,
    whole_whenever_it_was_killed
);
