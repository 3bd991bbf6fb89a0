//! `millrace doctor`: it says that what is well is well, finds what is not, however silent that is, and changes nothing.

use sea_orm::ConnectionTrait;
use serde_json::Value;
use tests::postgres::{Postgres, free_port, url_of};
use tests::recipe::finish;
use tests::redis::{Redis, sentinels::Sentinels};
use tests::waiting::SOON;
use tests::{Setup, eventually};

/// Returns the findings of one grade, as what they are about and what they say, and the exit code.
fn look(setup: &Setup, grade: &str) -> (Vec<String>, i32) {
    let mut command = setup.command(&["doctor", "--json"]);
    if let Some((url, prefix)) = setup.redis() {
        command.args(["--redis-url", url, "--redis-prefix", prefix]);
    }
    let output = tokio::task::block_in_place(|| finish(&mut command));
    let found: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let of_grade = found.iter().filter(|it| it["grade"] == grade);
    let said = of_grade.map(|it| format!("{}: {}", it["about"], it["says"]));
    (said.collect(), output.status.code().expect("an exit code"))
}

/// Waits until trouble is found that says this.
async fn finds(setup: &Setup, what: &str) {
    eventually(what, SOON, async || {
        let (trouble, code) = look(setup, "trouble");
        assert_eq!(code == 3, !trouble.is_empty(), "{trouble:?}");
        trouble.iter().any(|it| it.contains(what)).then_some(())
    })
    .await;
}

async fn is_well(setup: &Setup) {
    eventually("nothing is wrong", SOON, async || {
        let (trouble, code) = look(setup, "trouble");
        (trouble.is_empty() && code == 0).then_some(())
    })
    .await;
}

async fn parts_that_are_away_are_found(_: Setup) {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let setup = Setup::distributed_on(&postgres, &redis);
    let mut app = setup.start();
    is_well(&setup).await;
    let (well, _) = look(&setup, "ok");
    for about in ["database", "migrations", "redis", "workers"] {
        assert!(
            well.iter()
                .any(|it| it.starts_with(&format!("\"{about}\""))),
            "no {about} in {well:?}"
        );
    }
    redis.pause();
    finds(&setup, "\"redis\": ").await;
    redis.resume();
    redis.set_max_memory(1);
    finds(&setup, "it does not accept writes").await;
    redis.set_max_memory(0);
    postgres.execute("postgres", "alter system set synchronous_commit = off");
    postgres.execute("postgres", "select pg_reload_conf()");
    finds(&setup, "synchronous_commit is off").await;
    postgres.execute("postgres", "alter system reset synchronous_commit");
    postgres.execute("postgres", "select pg_reload_conf()");
    is_well(&setup).await;
    let database = setup.database().await;
    for statement in [
        "drop extension if exists pg_trgm cascade",
        "insert into seaql_migrations values ('m9001_later', 0)",
    ] {
        let done = database.execute_unprepared(statement).await;
        done.expect(statement);
    }
    for (grade, what) in [("warning", "no extension pg_trgm"), ("ok", "m9001_later")] {
        let (found, _) = look(&setup, grade);
        assert!(found.iter().any(|it| it.contains(what)), "{found:?}");
    }
    let deleted =
        database.execute_unprepared("delete from seaql_migrations where version like 'm0025%'");
    deleted.await.expect("the migration is forgotten");
    finds(&setup, "it lacks m0025").await;
    app.gateways.clear();
    app.workers.clear();
    postgres.crash();
    finds(&setup, "\"database\": ").await;
}

/// Each of several hosts is named with what it is, and two that both accept writes are trouble. Other commands find the primary, too.
async fn each_host_is_named(_: Setup) {
    let (primary, standby) = tokio::task::block_in_place(|| {
        let primary = Postgres::start();
        let standby = primary.standby();
        (primary, standby)
    });
    let mut setup = Setup::distributed_on(&primary, Redis::shared());
    tokio::task::block_in_place(|| standby.await_all_of(&primary));
    let (name, away) = (name_of(&setup.database_url), free_port());
    let servers = format!("{},127.0.0.1:{away}/{name}", standby.port());
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{servers}",
        primary.port()
    );
    setup.database_url = format!("{url}?target_session_attrs=read-write");
    let _app = setup.start();
    is_well(&setup).await;
    let says = |grade: &str, port: u16, what: &str| {
        let said = format!("\"hosts\": \"127.0.0.1:{port} {what}");
        let (found, _) = look(&setup, grade);
        assert!(
            found.iter().any(|it| it.starts_with(&said)),
            "{said}: {found:?}"
        );
    };
    says("ok", primary.port(), "is a primary, on timeline 1");
    says("ok", standby.port(), "is a standby");
    says("warning", away, "cannot be used: ");
    let reversed = url_of(&[&standby, &primary], name_of(&url));
    for arguments in [["migrate"].as_slice(), &["epoch"]] {
        let (code, said) = run(&mut setup, arguments, &reversed);
        assert_eq!(code, Some(0), "{said}");
    }
    let alone = format!(
        "{}?target_session_attrs=primary",
        standby.url(name_of(&url))
    );
    let waiting = ["migrate", "--wait-for-database", "2s"];
    let (code, said) = run(&mut setup, &waiting, &alone);
    assert!(code == Some(1) && said.contains("is a standby"), "{said}");
    let any = format!("{url}?target_session_attrs=any");
    let (code, said) = run(&mut setup, &["status"], &any);
    assert!(
        code == Some(2) && said.contains("read-write or primary"),
        "{said}"
    );
    let secret = url.replace("postgres@", "me:unspeakable@");
    let (code, said) = run(&mut setup, &["config"], &secret);
    let masked = format!("postgres://***@127.0.0.1:{}", primary.port());
    assert!(code == Some(0) && said.contains(&masked), "{said}");
    assert!(!said.contains("unspeakable"), "{said}");
    setup.database_url = url;
    tokio::task::block_in_place(|| standby.promote());
    finds(&setup, "both accept writes").await;
}

/// Runs a command on the database at this URL; returns its exit code and what it said.
fn run(setup: &mut Setup, arguments: &[&str], url: &str) -> (Option<i32>, String) {
    setup.database_url = url.to_owned();
    let mut command = setup.command(arguments);
    let output = tokio::task::block_in_place(|| finish(&mut command));
    let said = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    (output.status.code(), said.concat())
}

fn name_of(url: &str) -> &str {
    url.rsplit('/').next().expect("a name")
}

async fn the_master_of_sentinels_is_found(setup: Setup) {
    let sentinels = Sentinels::start();
    let setup = setup.with_redis(sentinels.url());
    eventually("Redis is well", SOON, async || {
        let is_about_redis = |it: &String| it.starts_with("\"redis\"");
        let [well, trouble] = ["ok", "trouble"].map(|grade| look(&setup, grade).0);
        let is_well = well.iter().any(is_about_redis) && !trouble.iter().any(is_about_redis);
        is_well.then_some(())
    })
    .await;
    let setup = setup.with_redis(sentinels.url_with(&[], "other"));
    finds(&setup, "No such master with that name").await;
    let setup = setup.with_redis(sentinels.url());
    sentinels.sentinels.iter().for_each(Redis::kill);
    finds(&setup, "\"redis\": ").await;
}

async fn a_file_is_looked_at_and_never_made(setup: Setup) {
    let app = setup.start();
    is_well(&setup).await;
    let (well, _) = look(&setup, "ok");
    assert!(well.iter().any(|it| it.contains("SQLite")), "{well:?}");
    drop(app);
    let nothing = Setup::embedded_from_nothing();
    finds(&nothing, "there is none at").await;
    let mut left = std::fs::read_dir(&nothing.directory).expect("its folder");
    assert!(left.all(|it| {
        !it.expect("a file")
            .file_name()
            .to_string_lossy()
            .ends_with(".db")
    }));
}

tests::distributed!(
    each_host_is_named,
    parts_that_are_away_are_found,
    the_master_of_sentinels_is_found
);
tests::embedded!(a_file_is_looked_at_and_never_made);
