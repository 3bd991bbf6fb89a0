//! With Redis stopped nothing is missed. With Postgres stopped what is hot is served for as long as the caller's rights are known,
//! marked if it may be old; then nothing is, until the database is back, and the present with it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::graphql::{Answer, Client};
use tests::{
    Running, Setup, eventually, postgres::Postgres, redis::Redis, students, waiting::SOON,
};

/// What is hot is answered in no more than this, whatever is away: the soft time-out, and a slow machine.
const AT_ONCE: Duration = Duration::from_secs(6);
const GATEWAYS: usize = 2;

struct Scene {
    postgres: Postgres,
    redis: Redis,
    setup: Setup,
}

impl Scene {
    fn new() -> Self {
        let (postgres, redis) = (Postgres::start(), Redis::start());
        let setup = Setup::distributed_on(&postgres, &redis);
        Self {
            postgres,
            redis,
            setup,
        }
    }
}

fn is_stale(answer: &Answer) -> bool {
    let stale = &answer.body["extensions"]["stale"];
    assert!(stale.is_null() || *stale == true, "{stale}");
    *stale == true
}

/// A student that every gateway has in memory.
async fn hot_student(app: &Running) -> Value {
    let student = students::create(app.client(), "Hot", "hot@example.com").await;
    super::subscription::await_cached(app.client(), &student["id"], 1).await;
    for gateway in &app.gateways {
        // On a machine that is too busy even to read the log, everything is stale for a moment.
        eventually("the student is hot", SOON, async || {
            let answer = students::ask(&gateway.client, &student["id"]).await;
            assert_eq!(answer.data()["student"], student);
            (!is_stale(&answer)).then_some(())
        })
        .await;
    }
    student
}

/// Asks, and says how long it took.
async fn ask(client: &Client, student: &Value) -> (Answer, Duration) {
    let started = Instant::now();
    let answer = students::ask(client, &student["id"]).await;
    (answer, started.elapsed())
}

/// Whether an answer without a database is one of the past. Otherwise it is none, as too much time has passed for the
/// caller's rights to be known.
fn is_of_the_past(answer: &Answer, student: &Value) -> bool {
    if answer.code().is_some() {
        answer.expect_code("UNAVAILABLE");
        return false;
    }
    assert_eq!(answer.data()["student"], *student, "what is hot is served");
    assert!(is_stale(answer));
    true
}

/// Asks until the answer is marked, or there is none any more; all that comes meanwhile is right, and soon.
async fn await_stale(client: &Client, student: &Value) {
    let longest = std::cell::Cell::new(Duration::ZERO);
    eventually("the answer is marked as stale", SOON, async || {
        let (answer, took) = ask(client, student).await;
        // Who waits in vain for the caller's rights waits for a connection.
        if answer.code().is_none() {
            longest.set(longest.get().max(took));
        }
        if answer.code().is_none() && !is_stale(&answer) {
            assert_eq!(answer.data()["student"], *student, "what is hot is served");
            return None;
        }
        is_of_the_past(&answer, student);
        Some(())
    })
    .await;
    assert!(
        longest.get() < AT_ONCE,
        "an answer took {:?}",
        longest.get()
    );
    println!("the slowest answer took {:?}", longest.get());
}

async fn await_present(client: &Client, id: &Value, year: u64) {
    eventually("the present is shown", SOON, async || {
        let answer = students::ask(client, id).await;
        let is_present = answer.code().is_none() && !is_stale(&answer);
        (is_present && answer.data()["student"]["year"] == year).then_some(())
    })
    .await;
}

/// Without Redis nothing is stale: the log is read.
async fn redis_stopped(_: Setup) {
    let scene = Scene::new();
    let app = scene.setup.start_many(GATEWAYS, 1, &[]);
    let student = hot_student(&app).await;
    scene.redis.kill();
    for gateway in &app.gateways {
        for _ in 0..50 {
            let (answer, took) = ask(&gateway.client, &student).await;
            assert_eq!(answer.data()["student"], student);
            assert!(took < AT_ONCE, "{took:?}");
        }
    }
    // What changes is seen by all of them, and what is not hot is loaded.
    students::apply(
        app.client(),
        "update",
        json!({ "id": student["id"], "year": 2 }),
    )
    .await;
    let other = students::create(app.client(), "Other", "other@example.com").await;
    for gateway in &app.gateways {
        await_present(&gateway.client, &student["id"], 2).await;
        assert_eq!(students::find(&gateway.client, &other["id"]).await, other);
    }
    scene.redis.restart();
    // What was changed while the store was away is not put there later; the next change that finds it back is.
    let database = scene.setup.database().await;
    let cached = "select count(*) as number from event where type = 'StudentCached'";
    let before = tests::database::number(&database, cached).await;
    let mut year = 3;
    eventually("students are cached again", SOON, async || {
        year = year % 20 + 1;
        let change = json!({ "id": student["id"], "year": year });
        students::apply(app.client(), "update", change).await;
        (tests::database::number(&database, cached).await > before).then_some(())
    })
    .await;
}

async fn postgres_stopped(_: Setup) {
    let scene = Scene::new();
    let app = scene.setup.start_many(GATEWAYS, 1, &[]);
    let student = hot_student(&app).await;
    scene.postgres.crash();
    for gateway in &app.gateways {
        await_stale(&gateway.client, &student).await;
    }
    // It is served at once, however many ask.
    let started = Instant::now();
    let asking = (0..500).map(|number| {
        let client = app.gateways[number % GATEWAYS].client.clone();
        let student = student.clone();
        tokio::spawn(async move {
            let (answer, _) = ask(&client, &student).await;
            is_of_the_past(&answer, &student)
        })
    });
    let asked = futures::future::join_all(asking).await;
    let asked = asked.into_iter().map(|asked| asked.expect("an answer"));
    let stale = asked.filter(|is_of_the_past| *is_of_the_past).count();
    println!("500 answers, {stale} stale, took {:?}", started.elapsed());
    // What nobody has cannot be served, and that is said.
    let unknown = tests::ids::global_id("student", 0x0193_8c5e_7f2a_7bcd_8ef0_1234_5678_9abc);
    let answer = students::ask(app.client(), &json!(unknown)).await;
    answer.expect_code("UNAVAILABLE");
    scene.postgres.restart();
    for gateway in &app.gateways {
        await_present(&gateway.client, &student["id"], 1).await;
    }
    eventually("mutations work again", SOON, async || {
        let change = json!({ "id": student["id"], "year": 2 });
        let answer = students::send(app.client(), "update", change).await;
        answer.code().is_none().then_some(())
    })
    .await;
    for gateway in &app.gateways {
        await_present(&gateway.client, &student["id"], 2).await;
    }
}

/// The shared store has what this gateway never read.
async fn postgres_stopped_and_hot_elsewhere(_: Setup) {
    let scene = Scene::new();
    let app = scene.setup.start_many(GATEWAYS, 1, &[]);
    let student = students::create(app.client(), "Hot", "hot@example.com").await;
    super::subscription::await_cached(app.client(), &student["id"], 1).await;
    let gateway = app.gateways.last().expect("a gateway");
    // The caller is known to it, the student is not.
    gateway.client.run("{ me { id } }", json!({})).await.data();
    scene.postgres.crash();
    await_stale(&gateway.client, &student).await;
    scene.postgres.restart();
    eventually("administrators are known again", SOON, async || {
        let answer = gateway.client.run("{ me { id } }", json!({})).await;
        answer.code().is_none().then_some(())
    })
    .await;
    assert_eq!(students::cache(&gateway.client).await["loads"], 0);
}

async fn both_stopped(_: Setup) {
    let scene = Scene::new();
    let app = scene.setup.start_many(GATEWAYS, 1, &[]);
    let student = hot_student(&app).await;
    scene.redis.kill();
    scene.postgres.crash();
    for gateway in &app.gateways {
        await_stale(&gateway.client, &student).await;
        let (answer, took) = ask(&gateway.client, &student).await;
        if is_of_the_past(&answer, &student) {
            assert!(took < AT_ONCE, "{took:?}");
        }
    }
    scene.postgres.restart();
    for gateway in &app.gateways {
        await_present(&gateway.client, &student["id"], 1).await;
    }
    scene.redis.restart();
}

/// A Redis that hangs is as good as none.
async fn redis_hangs(_: Setup) {
    let scene = Scene::new();
    let app = scene.setup.start_many(GATEWAYS, 1, &[]);
    let student = hot_student(&app).await;
    scene.redis.pause();
    for number in 0..20 {
        let email = format!("new-{number}@example.com");
        let new = students::create(app.client(), "New", &email).await;
        for gateway in &app.gateways {
            let (answer, took) = ask(&gateway.client, &new).await;
            assert_eq!(answer.data()["student"], new);
            assert!(took < AT_ONCE, "{took:?}");
        }
    }
    let (answer, _) = ask(app.client(), &student).await;
    assert_eq!(answer.data()["student"], student);
    scene.redis.resume();
}

tests::distributed!(
    redis_stopped,
    postgres_stopped,
    postgres_stopped_and_hot_elsewhere,
    both_stopped,
    redis_hangs,
);
