//! Connections that go silent under a gateway, and stay so: it finds new ones, and meanwhile accepts nobody
//! whom it only remembers.

use std::time::{Duration, Instant};

use tests::postgres::Postgres;
use tests::redis::Redis;
use tests::rig::proxy::{Proxy, Silence};
use tests::waiting::SOON;
use tests::{Setup, customers, eventually, people};

/// What a process remembers counts for 2 s; a request may be on its way.
const FORGOTTEN: Duration = Duration::from_secs(3);

async fn sessions_end_where_nothing_arrives(_: Setup) {
    let postgres = Proxy::start(Postgres::shared().port()).await;
    let redis = Proxy::start(Redis::shared().port()).await;
    let setup = Setup::distributed_through(
        (Postgres::shared(), postgres.port),
        (Redis::shared(), redis.port),
    );
    let silent = setup.gateway(&[]);
    let person = people::register(&silent.client, "Signed out").await;
    let remembered = person.client(&silent.client);
    people::me(&remembered).await.data();
    postgres.silence_all(Silence::Both);
    redis.silence_all(Silence::Both);
    // Its connections are new, and work.
    let other = setup.gateway(&[]);
    assert_eq!(
        people::sign_out(&person.client(&other.client), false).await,
        1
    );
    let signed_out = Instant::now();
    eventually("the session is over", SOON, async || {
        let asked = signed_out.elapsed();
        match people::me(&remembered).await.code() {
            Some("UNAUTHENTICATED") => return Some(()),
            Some(code) => assert_eq!(code, "UNAVAILABLE"),
            None => assert!(asked < FORGOTTEN, "accepted after {asked:?}"),
        }
        None
    })
    .await;
    eventually("it writes and is ready again", SOON, async || {
        let email = format!("{}@example.com", fastrand::u64(..));
        let input = serde_json::json!({ "name": "Written", "email": email });
        let written = customers::send(&silent.client, "create", input).await;
        let ready = silent.client.get("/health/ready", &[]).await.status;
        (written.code().is_none() && ready == 200).then_some(())
    })
    .await;
}

tests::distributed!(sessions_end_where_nothing_arrives);
