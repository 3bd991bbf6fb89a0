//! A post that 10,000 users like: what folding it costs the first time in a process, and after that. The measurement that
//! decided against stored snapshots; it prints what it finds, and fails only when it is out of all proportion.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::json;
use tests::{Setup, database, eventually, ids, waiting::SOON};

use super::api::{find, like, person};
use super::replaying::{appears, append, uuid};

const LIKES: i64 = 10_000;
const POST: u128 = 0x0191_8c5e_7f2a_7bcd_8ef0_1234_5678_0000;

/// Likes of users who never were, behind the creation of the only post, in one statement.
pub async fn append_likes(database: &DatabaseConnection, likes: i64) {
    let user = "00000000-0000-7000-8000-";
    let sql = if database::is_postgres(database) {
        format!(
            "insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at)
             select gen_random_uuid(), e.part, e.stream, e.stream_id, n + 1, 'PostLiked', 1,
                    json_build_object('userId', '{user}' || lpad(n::text, 12, '0')), e.meta, e.occurred_at
             from event e cross join generate_series(1, {likes}) n where e.stream = 'post' order by n"
        )
    } else {
        format!(
            "with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {likes}),
                 head (position) as (select max(inserted) from event)
             insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at,
                                previous)
             select randomblob(16), e.part, e.stream, e.stream_id, n + 1, 'PostLiked', 1,
                    json_object('userId', '{user}' || printf('%012d', n)), e.meta, e.occurred_at,
                    case n when 1 then (select max(inserted) from event o where o.part = e.part)
                           else (select position from head) + n - 1 end
             from numbers cross join event e where e.stream = 'post' order by n"
        )
    };
    database.execute_unprepared(&sql).await.expect("likes");
}

async fn folding_is_quick_enough(setup: Setup) {
    let app = setup.start();
    let (ada_person, ada) = person(app.client(), "Ada").await;
    let database = setup.database().await;
    let created = json!({ "authorId": uuid(&ada_person.id), "text": "Everybody likes this" });
    append(&database, POST, 1, "PostCreated", &created).await;
    let id = json!(ids::global_id("post", POST));
    appears(&ada, &id).await;
    append_likes(&database, LIKES).await;
    let started = Instant::now();
    eventually("the likes are in the read model", SOON, async || {
        (find(&ada, &id).await["likeCount"] == LIKES).then_some(())
    })
    .await;
    println!(
        "{LIKES} likes were in the read model after {:?}",
        started.elapsed()
    );

    let post = json!({ "id": id });
    let timed = async || {
        let started = Instant::now();
        let liked = like(&ada, &post).await;
        assert_eq!(liked["likeCount"], LIKES + 1);
        started.elapsed()
    };
    let cold = timed().await;
    let mut warm = Vec::new();
    for _ in 0..20 {
        warm.push(timed().await);
    }
    warm.sort();
    println!(
        "a like: {cold:?} when nothing is remembered, then {:?} (median)",
        warm[10]
    );
    assert!(cold < Duration::from_secs(30), "{cold:?}");
    assert!(
        warm[10] < cold,
        "what was folded is remembered: {:?} of {cold:?}",
        warm[10]
    );
}

tests::both_ways!(folding_is_quick_enough);
