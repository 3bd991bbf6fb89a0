//! Writes that are committed together: one of them that is refused, or has to wait, costs the others nothing but a moment.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::rig::proxy::{Fate, Proxy};
use tests::{Setup, customers};

/// The one of many whose address somebody else has taken for now.
const WANTED: usize = 7;
/// Only groups send rows as JSON by column.
const OF_A_GROUP: &[u8] = br#""email_key":"#;
/// Less than a transaction waits for a lock, which is three seconds.
const UNLOCKED: Duration = Duration::from_millis(2_500);

async fn create(client: &Client, number: usize) -> (Answer, Duration) {
    let input = json!({ "name": "One of many", "email": format!("many{number}@example.com") });
    let began = Instant::now();
    let answer = customers::send(client, "create", input).await;
    (answer, began.elapsed())
}

/// Each member of a group gets its own answer: those that are refused for their own reasons, and all others their success.
async fn who_is_refused_spoils_nobody_elses(setup: Setup) {
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let taken = customers::create(client, "Taken", "taken@example.com").await;
    let other = customers::create(client, "Other", "other@example.com").await;
    let id = |customer: &Value| customer["id"].clone();
    for round in 0..10 {
        let refused: [(&str, Value, &str); 5] = [
            (
                "create",
                json!({ "name": "x", "email": "taken@example.com" }),
                "CONFLICT",
            ),
            (
                "create",
                json!({ "name": "x", "email": "TAKEN@example.com" }),
                "CONFLICT",
            ),
            (
                "update",
                json!({ "id": id(&other), "email": "taken@example.com" }),
                "CONFLICT",
            ),
            (
                "update",
                json!({ "id": id(&taken), "name": "x", "expectedVersion": 7 }),
                "CONFLICT",
            ),
            ("restore", json!({ "id": id(&taken) }), "CONFLICT"),
        ];
        let twins = [(), ()].map(|()| {
            let email = format!("twin{round}@example.com");
            customers::send(client, "create", json!({ "name": "Twin", "email": email }))
        });
        let many = (0..30).map(|number| create(client, round * 100 + number));
        let failing = refused.iter().map(|(kind, input, code)| async move {
            let answer = customers::send(client, kind, input.clone()).await;
            assert_eq!(answer.code(), Some(*code), "{kind} {input}");
        });
        let (many, twins, _) = futures::join!(join_all(many), join_all(twins), join_all(failing));
        for (answer, _) in &many {
            assert_eq!(customers::changed("create", answer)["version"], 1);
        }
        let born = twins.iter().filter(|answer| answer.code().is_none());
        assert_eq!(born.count(), 1, "two want one address");
    }
    let found = customers::find(client, &id(&taken)).await;
    assert_eq!(found["version"], 1);
    assert_eq!(customers::find(client, &id(&other)).await["version"], 1);
}

/// Mutations that come together are committed together, whether they create or change, with keys or without.
async fn many_share_few_transactions(setup: Setup) {
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let created = join_all((0..300).map(|number| create(client, number))).await;
    let changes = created.iter().enumerate().map(|(number, (answer, _))| {
        let customer = customers::changed("create", answer);
        let input = json!({ "id": customer["id"], "name": "Changed", "expectedVersion": 1 });
        let key = number % 2 == 0;
        async move {
            let key = key.then(|| format!("change-{number}"));
            let answer = customers::send_with_key(client, "update", input, key.as_deref()).await;
            assert_eq!(customers::changed("update", &answer)["version"], 2);
        }
    });
    join_all(changes).await;
    let database = setup.database().await;
    for version in [1, 2] {
        let sql = format!(
            "select count(distinct xid) as number from event where stream = 'customer' and version = {version}"
        );
        let transactions = tests::database::number(&database, &sql).await;
        println!("300 mutations in {transactions} transactions");
        assert!(transactions < 150, "{transactions} transactions");
    }
}

/// Requests under one key that come together are one request, also when others are committed with them.
async fn repeats_in_one_group_are_applied_once(setup: Setup) {
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let customer = customers::create(client, "Once", "once@example.com").await;
    for round in 1..=10_u64 {
        let input = json!({
            "id": customer["id"], "name": format!("Once {round}"), "expectedVersion": round
        });
        let key = format!("key-{round}");
        let repeats =
            (0..8).map(|_| customers::send_with_key(client, "update", input.clone(), Some(&key)));
        let many = (0..20).map(|number| create(client, round as usize * 100 + number));
        let (repeats, many) = futures::join!(join_all(repeats), join_all(many));
        for answer in &repeats {
            assert_eq!(customers::changed("update", answer)["version"], round + 1);
        }
        assert!(many.iter().all(|(answer, _)| answer.code().is_none()));
    }
}

/// Somebody else has inserted an address, and not committed yet. Whoever wants the same one waits, and nobody else.
async fn who_waits_for_a_lock_holds_up_nobody_else(setup: Setup) {
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let locked = customers::create(client, "Locked", "locked@example.com").await;
    let uuid = locked["id"]
        .as_str()
        .and_then(tests::ids::uuid_digits)
        .expect("an id");
    let database = setup.database().await;
    let tx = database.begin().await.expect("a transaction");
    for statement in [
        "insert into customer (id, name, email, email_key, search_text, status, version, created_at, updated_at)
         values (gen_random_uuid(), 'x', 'many7@example.com', 'many7@example.com', '', 'ACTIVE', 1, now(), now())"
            .to_owned(),
        format!("select from customer where id = '{uuid}' for update"),
    ] {
        tx.execute_unprepared(&statement).await.expect("a statement");
    }
    let rename = json!({ "id": locked["id"], "name": "Renamed" });
    let mut waiting = pin!(async {
        let renaming = customers::send(client, "update", rename);
        futures::join!(renaming, create(client, WANTED))
    });
    // They come one after another, so that there are several groups.
    let others = futures::stream::iter((0..40).filter(|number| *number != WANTED))
        .map(|number| create(client, number))
        .buffer_unordered(8)
        .collect::<Vec<_>>();
    tokio::select! {
        _ = &mut waiting => panic!("it was locked"),
        others = others => for (answer, waited) in others {
            assert!(answer.code().is_none(), "{}", answer.http.text());
            assert!(waited < UNLOCKED, "somebody waited {waited:?}");
        },
    }
    tx.rollback().await.expect("a rollback");
    let (renamed, (created, _)) = waiting.await;
    assert_eq!(customers::changed("update", &renamed)["name"], "Renamed");
    assert_eq!(customers::changed("create", &created)["version"], 1);
}

/// The statement of a group is its own commit. When its answer is lost, nobody is told that it succeeded or failed, whatever
/// happened, and no row is without its event.
async fn lost_answers_are_told_to_all_and_tear_nothing(_: Setup) {
    let proxy = Proxy::start(Postgres::shared().port()).await;
    let (postgres, redis) = (Postgres::shared(), Redis::shared());
    let setup = Setup::distributed_through((postgres, proxy.port), (redis, redis.port()));
    let gateway = setup.gateway(&[]);
    let name = setup.database_url.rsplit('/').next().expect("a name");
    let database = tests::setup::connect(&postgres.url(name)).await;
    let count = async |what: &str| {
        let sql = format!("select count(*) as number from {what}");
        tests::database::number(&database, &sql).await as usize
    };
    for (round, fate) in [Fate::CutBeforeAnswer, Fate::Lost].into_iter().enumerate() {
        let before = count("customer").await;
        proxy.doom(OF_A_GROUP, vec![fate; 2]);
        let many = (0..60).map(|number| create(&gateway.client, round * 100 + number));
        let answers = join_all(many).await;
        assert_eq!(proxy.doomed_left(), 0, "two groups met their fate");
        let unknown = answers.iter().filter(|(answer, _)| answer.code().is_some());
        let unknown = unknown.map(|(answer, _)| assert_eq!(answer.code(), Some("UNAVAILABLE")));
        let unknown = unknown.count();
        assert!(unknown >= 2, "{unknown} of 60");
        let stored = match fate {
            Fate::Lost => 60 - unknown,
            _ => 60,
        };
        assert_eq!(count("customer").await - before, stored, "{fate:?}");
    }
    let torn = count(
        "customer c full join (select * from event where stream = 'customer') e on e.stream_id = c.id
         where c.id is null or e.stream_id is null",
    );
    assert_eq!(torn.await, 0);
}

tests::both_ways!(
    who_is_refused_spoils_nobody_elses,
    repeats_in_one_group_are_applied_once
);
tests::distributed!(
    lost_answers_are_told_to_all_and_tear_nothing,
    many_share_few_transactions,
    who_waits_for_a_lock_holds_up_nobody_else
);
