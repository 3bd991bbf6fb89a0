//! Starting: on a schema that a newer version has changed, on a database that comes late, and with probes of the workers.

use std::process::Command;

use sea_orm::ConnectionTrait;
use tests::http::{Connection, request};
use tests::postgres::Postgres;
use tests::process::Process;
use tests::recipe::{finish, product_command};
use tests::waiting::SOON;
use tests::{Setup, eventually};

use super::text;

fn commands(setup: &Setup) -> Vec<Command> {
    let commands = [&["migrate"][..], &["status"], &["dead-letters", "list"]];
    commands.map(|command| setup.command(command)).into()
}

/// What a version after this one only adds stops no program; what it takes away stops all, and they say why.
async fn a_newer_schema_is_no_obstacle(setup: Setup) {
    let database = setup.database().await;
    for newer in [
        "insert into seaql_migrations values ('m9001_later', 0)",
        "create table later (id int)",
        "alter table customer add column later text",
    ] {
        database.execute_unprepared(newer).await.expect("newer");
    }
    let app = setup.start();
    tests::customers::create(app.client(), "Ada", "ada@example.com").await;
    for mut command in commands(&setup) {
        let done = finish(&mut command);
        assert!(done.status.success(), "{command:?}: {}", text(&done));
    }
    drop(app);

    let out = "update schema_compatibility set lowest = 9001";
    database.execute_unprepared(out).await.expect("shut out");
    database.close().await.expect("closed");
    let mut refused = commands(&setup);
    refused.push({
        let mut serve = product_command("serve", &setup.directory);
        setup.settings.give_to(&mut serve);
        serve.args(["--database-url", &setup.database_url]);
        serve.args(["--listen", "127.0.0.1:0"]);
        serve
    });
    if setup.is_distributed() {
        refused.push(setup.command(&["work"]));
    }
    for mut command in refused {
        let done = finish(&mut command);
        assert_eq!(done.status.code(), Some(1), "{command:?}: {}", text(&done));
        assert!(text(&done).contains("a newer version"), "{}", text(&done));
    }
}

/// Started before its database, a process waits, says so, and goes on.
async fn a_database_may_come_late(setup: Setup) {
    let postgres = Postgres::start();
    let (url, _) = postgres.new_database();
    postgres.crash();
    let start = |program: &'static str, more: &[&str]| {
        let mut command = product_command(program, &setup.directory);
        setup.settings.give_to(&mut command);
        command.args(["--database-url", &url]).args(more);
        Process::spawn(program, &setup.directory, &mut command, "KILL")
    };
    let mut processes = [
        (start("serve", &["--listen", "127.0.0.1:0"]), "listening on"),
        (start("work", &[]), "workers running"),
    ];
    for (process, _) in &processes {
        eventually("it waits", SOON, async || {
            let log = process.log();
            log.contains("the database is not there yet").then_some(())
        })
        .await;
    }
    tokio::task::block_in_place(|| postgres.restart());
    for (process, line) in &mut processes {
        tokio::task::block_in_place(|| process.await_line(line, SOON));
    }
    // What waiting cannot mend is told at once.
    let mut command = product_command("work", &setup.directory);
    command.args(["--database-url", &postgres.url("never_made")]);
    let refused = finish(&mut command);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(
        !text(&refused).contains("not there yet"),
        "{}",
        text(&refused)
    );
}

async fn workers_answer_probes(setup: Setup) {
    let mut workers = setup.workers(&["--health-listen", "127.0.0.1:0"]);
    let line = workers.await_line("health at http://", SOON);
    let address = line
        .strip_prefix("health at http://")
        .and_then(|rest| rest.split('/').next()?.parse().ok())
        .expect("an address");
    // More of those who say nothing than there is place for.
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(Connection::open(address).await.expect("it listens"));
    }
    for (method, path, status) in [
        ("GET", "/health/live", 200),
        ("GET", "/health/ready", 200),
        ("POST", "/health/live", 405),
        ("GET", "/", 404),
        ("GET", "/graphql", 404),
    ] {
        let mut connection = Connection::open(address).await.expect("it listens");
        let sent = request(method, path, &[]);
        let answered = tokio::time::timeout(SOON, connection.send(&sent)).await;
        let response = answered.expect("an answer in time").expect("an answer");
        assert_eq!(response.status, status, "{method} {path}");
    }
}

tests::both_ways!(a_newer_schema_is_no_obstacle);
tests::distributed!(a_database_may_come_late, workers_answer_probes);
