//! The program as an operator meets it: settings that are wrong, migrations, seeding, and being asked to stop.

use std::process::Output;

use serde_json::json;
use tests::postgres::Postgres;
use tests::recipe::product_command;
use tests::socket::Frame;
use tests::waiting::SOON;
use tests::{Setup, customers, database, eventually, guard, ids};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn help_is_help_and_unknown_settings_are_errors() {
    let directory = guard::new_directory("settings");
    for program in ["serve", "work"] {
        let help = product_command(program, &directory)
            .arg("--help")
            .output()
            .expect("it starts");
        assert!(help.status.success(), "{program} --help: {}", text(&help));
        assert!(text(&help).contains("--database-url"), "{}", text(&help));
        let flag = product_command(program, &directory)
            .arg("--no-such-flag")
            .output()
            .expect("it starts");
        assert_eq!(
            flag.status.code(),
            Some(2),
            "{program} --no-such-flag: {}",
            text(&flag)
        );
        let mut command = product_command(program, &directory);
        let setting = command
            .args(["--database-url", "postgres://postgres@127.0.0.1:1/none"])
            .env("MILLRACE_NO_SUCH_SETTING", "1")
            .output()
            .expect("it starts");
        assert!(
            !setting.status.success(),
            "{program} took an unknown setting"
        );
        assert!(
            text(&setting).contains("MILLRACE_NO_SUCH_SETTING"),
            "{}",
            text(&setting)
        );
    }
    let nowhere = product_command("serve", &directory)
        .args([
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            "postgres://postgres@127.0.0.1:1/none",
            "--wait-for-database",
            "0s",
        ])
        .output()
        .expect("it starts");
    assert!(
        !nowhere.status.success(),
        "a gateway without its database: {}",
        text(&nowhere)
    );
}

#[test]
fn migrations_can_be_repeated() {
    let directory = guard::new_directory("migrations");
    let url = Postgres::shared().empty_database("migrated_twice");
    for turn in ["first", "second"] {
        let done = product_command("migrate", &directory)
            .args(["--database-url", &url])
            .output();
        let done = done.expect("it starts");
        assert!(done.status.success(), "the {turn} time: {}", text(&done));
    }
}

/// Workers never write to tables that are not there yet.
#[test]
fn workers_wait_for_migrations() {
    let directory = guard::new_directory("unmigrated");
    let url = Postgres::shared().empty_database("never_migrated");
    let refused = product_command("work", &directory)
        .args(["--database-url", &url])
        .output()
        .expect("it starts");
    assert_eq!(refused.status.code(), Some(1));
    let text = text(&refused);
    assert!(text.contains("millrace migrate"), "{text}");
}

#[test]
fn production_has_no_demo_data() {
    let directory = guard::new_directory("production");
    let refused = product_command("serve", &directory)
        .args([
            "--production",
            "--demo-data",
            "--database-url",
            "sqlite://none.db",
        ])
        .output()
        .expect("it starts");
    assert_eq!(refused.status.code(), Some(1));
    let text = text(&refused);
    assert!(text.contains("--demo-data exclude each other"), "{text}");
    assert!(!directory.join("none.db").exists(), "nothing was made");
}

async fn seeding_makes_customers_with_their_events(setup: Setup) {
    let app = setup.start();
    let done = setup
        .command(&["seed"])
        .args(["--customers", "1234"])
        .output()
        .expect("it starts");
    assert!(done.status.success(), "{}", text(&done));
    let total = "{ customers(first: 1) { totalCount } }";
    let answer = app.client().run(total, json!({})).await;
    assert_eq!(answer.data()["customers"]["totalCount"], 1234);
    let database = setup.database().await;
    assert_eq!(
        database::number(
            &database,
            "select count(*) as number from event where stream = 'customer'"
        )
        .await,
        1234
    );
    eventually("the statistics count them", SOON, async || {
        (customers::statistics(app.client()).await["total"] == 1234).then_some(())
    })
    .await;
}

/// SIGTERM: what was begun is answered, sockets are told, and the process ends by itself.
async fn stopping_is_orderly(setup: Setup) {
    let mut app = setup.start();
    let mut socket = app.client().socket().await;
    let after = app.client().head().await;
    socket
        .subscribe("1", customers::CHANGES, json!({ "after": after }))
        .await;
    customers::create(app.client(), "Ada", "ada@example.com").await;
    let change = socket.change("1").await;

    let client = app.client().clone();
    let writer = tokio::spawn(async move {
        let mut answered = 0;
        while let Ok(answer) = create(&client, answered).await {
            match answer.code() {
                None => answered += 1,
                Some(code) => {
                    assert_eq!(code, "UNAVAILABLE", "{}", answer.http.text());
                    break;
                }
            }
        }
        answered
    });
    let status = tokio::task::block_in_place(|| app.gateways[0].process.terminate(SOON));
    assert!(status.success(), "it ended with {status}");
    let answered = writer.await.expect("the writer");
    loop {
        match socket.receive().await {
            Frame::Message(_) => {}
            Frame::Closed { code, .. } => break assert_eq!(code, 1001),
            Frame::Cut(problem) => panic!("the socket was cut: {problem}"),
        }
    }

    app.gateways[0].restart();
    let database = setup.database().await;
    let written = database::number(&database, "select count(*) as number from customer").await;
    assert!(
        written > answered as u64,
        "one before, and {answered} answered, but {written} are there"
    );
    let mut socket = app.client().socket().await;
    socket
        .subscribe(
            "1",
            customers::CHANGES,
            json!({ "after": change["cursor"] }),
        )
        .await;
    for number in 0..written - 1 {
        let change = socket.change("1").await;
        assert_eq!(
            change["customer"]["name"],
            format!("C {number}"),
            "none is missing after the restart"
        );
    }
    assert!(ids::position(&app.client().head().await) >= written);
}

async fn create(
    client: &tests::graphql::Client,
    number: usize,
) -> std::io::Result<tests::graphql::Answer> {
    let input = json!({ "name": format!("C {number}"), "email": format!("c{number}@example.com") });
    let body = json!({ "query": customers::CREATE, "variables": { "input": input } });
    client.post(&body, &[]).await
}

/// A worker that is asked to stop gives its parts to the others at once.
async fn workers_hand_over(setup: Setup) {
    let mut app = setup.start_many(1, 2, &[]);
    for turn in 0..4 {
        let index = turn % 2;
        let status = tokio::task::block_in_place(|| app.workers[index].terminate(SOON));
        assert!(status.success(), "a worker ended with {status}");
        customers::create(app.client(), "C", &format!("c{turn}@example.com")).await;
        eventually("the other counts", SOON, async || {
            (customers::statistics(app.client()).await["total"] == turn + 1).then_some(())
        })
        .await;
        app.workers[index] = setup.workers(&[]);
    }
}

tests::both_ways!(
    seeding_makes_customers_with_their_events,
    stopping_is_orderly
);
tests::distributed!(workers_hand_over);
