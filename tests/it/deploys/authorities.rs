//! Postgres and Redis by TLS, whose certificates an authority of one's own has signed: processes trust that one, and no other.

use serde_json::json;
use tests::certificates::Authority;
use tests::postgres::Postgres;
use tests::recipe::finish;
use tests::redis::Redis;
use tests::waiting::SOON;
use tests::{Setup, eventually, guard};

/// Returns the URL with these parameters, by which Postgres is asked for a certificate.
fn verified(url: &str, authority: &std::path::Path) -> String {
    format!(
        "{url}?sslmode=verify-full&sslrootcert={}",
        authority.display()
    )
}

async fn one_s_own_authority_is_trusted(_: Setup) {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let (ours, foreign) = (Authority::new(), Authority::new());
    let directory = guard::new_directory("authority");
    let files = ours.sign(&directory);
    let authority = ours.write(&directory);
    postgres.speak_tls(&files);
    let port = redis.speak_tls(&files, &authority);
    let setup = Setup::distributed_on(&postgres, &redis);
    let plain = setup.database_url.clone();
    let mut setup = setup.with_redis(format!("rediss://127.0.0.1:{port}"));
    setup.database_url = verified(&plain, &authority);
    let path = authority.to_str().expect("a path");
    setup.settings.set("MILLRACE_REDIS_CA", path);
    let app = setup.start_many(2, 1, &[]);
    let health = "{ health { redis { isUp } } }";
    for gateway in &app.gateways {
        eventually("Redis is up", SOON, async || {
            let answer = gateway.client.run(health, json!({})).await;
            (answer.data()["health"]["redis"]["isUp"] == true).then_some(())
        })
        .await;
    }
    let encrypted = postgres.execute(
        "postgres",
        "select count(*) > 0 and bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) \
         where backend_type = 'client backend' and datname <> 'postgres'",
    );
    assert_eq!(encrypted.trim(), "t");
    // Each of several hosts is checked by its own name: the first has a certificate for others, and is passed by.
    let servers = format!("@0.0.0.0:{},localhost:", postgres.port());
    setup.database_url = verified(&plain.replace("@127.0.0.1:", &servers), &authority);
    let mut command = setup.command(&["doctor"]);
    let looked = tokio::task::block_in_place(|| finish(&mut command));
    let said = super::text(&looked);
    let line = |host: &str| said.lines().find(|it| it.contains(host)).unwrap_or(&said);
    assert!(line("0.0.0.0:").contains("certificate"), "{said}");
    assert!(line("localhost:").contains("is a primary"), "{said}");
    assert!(said.contains("the database is up to date"), "{said}");

    let elsewhere = guard::new_directory("foreign");
    let foreign = foreign.write(&elsewhere);
    setup.database_url = verified(&plain, &foreign);
    let mut command = setup.command(&["status"]);
    let refused = tokio::task::block_in_place(|| finish(&mut command));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(super::text(&refused).contains("certificate"), "{refused:?}");
    setup.database_url = verified(&plain, &authority);
    setup
        .settings
        .set("MILLRACE_REDIS_CA", foreign.to_str().expect("a path"));
    // Nothing depends on Redis, so the gateway serves without it.
    let without = setup.gateway(&[]);
    let answer = without.client.run(health, json!({})).await;
    assert_eq!(answer.data()["health"]["redis"]["isUp"], false);
}

tests::distributed!(one_s_own_authority_is_trusted);
