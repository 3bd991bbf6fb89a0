//! The commands of operators: their output for people and as JSON, their exit codes, and that they do what the API does.

use std::process::Output;

use serde_json::{Value, json};
use tests::recipe::finish;
use tests::traffic::{self, wrong_rows};
use tests::waiting::SOON;
use tests::{Setup, database, ids};

use super::{audited, await_letters, letters, poison};

/// What it printed, and its exit code.
fn run(setup: &Setup, arguments: &[&str]) -> (String, i32) {
    let Output {
        status,
        stdout,
        stderr,
    } = tokio::task::block_in_place(|| finish(&mut setup.command(arguments)));
    let code = status.code().expect("an exit code");
    let text = String::from_utf8_lossy(&stdout).into_owned();
    let text = if code == 0 || code == 3 {
        text
    } else {
        text + &String::from_utf8_lossy(&stderr)
    };
    (text, code)
}

fn run_json(setup: &Setup, arguments: &[&str]) -> (Value, i32) {
    let (text, code) = run(setup, &[arguments, &["--json"]].concat());
    let json = serde_json::from_str(&text);
    (json.unwrap_or_else(|_| panic!("not JSON: {text}")), code)
}

/// Whoever listens is told, older cursors are refused, and the log has who did it and why.
async fn an_epoch_at_a_terminal(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    let old = client.head().await;
    let (shown, code) = run(&setup, &["epoch"]);
    let epoch = ids::epoch(&old);
    assert!(
        shown.starts_with(&format!("epoch {epoch}, at position ")),
        "{shown}"
    );
    assert_eq!(code, 0);
    let mut socket = client.socket().await;
    let document = "subscription($after: String) { eventLog(after: $after) { type cursor data } }";
    socket
        .subscribe("live", document, json!({ "after": old }))
        .await;
    assert_eq!(run(&setup, &["epoch", "--begin"]).1, 2, "it needs a reason");
    let reason = "the disk was exchanged";
    let (shown, code) = run(&setup, &["epoch", "--begin", "--reason", reason]);
    assert_eq!(code, 0, "{shown}");
    let ended = loop {
        // What happened before comes first.
        let message = socket.message().await;
        if message["type"] != "next" {
            break message;
        }
    };
    let code_of = |message: &Value| message["payload"][0]["extensions"]["code"].clone();
    assert_eq!(code_of(&ended), "CURSOR_INVALID", "{ended}");
    socket
        .subscribe("old", document, json!({ "after": old }))
        .await;
    let refused = socket.message().await;
    assert_eq!(code_of(&refused), "CURSOR_INVALID", "{refused}");
    let fresh = client.head().await;
    assert_ne!(ids::epoch(&fresh), epoch);
    let from = ids::cursor_at(&fresh, 0);
    socket
        .subscribe("new", document, json!({ "after": from }))
        .await;
    let told = loop {
        let payload = socket.payload("new").await;
        let event = payload["data"]["eventLog"].clone();
        if event["type"] == "EpochBegun" {
            break event;
        }
    };
    let expected = json!({ "over": epoch, "epoch": ids::epoch(&fresh), "reason": reason });
    assert_eq!(told["data"], expected);
}

async fn dead_letters_at_a_terminal(setup: Setup) {
    let mut app = setup.start();
    let database = setup.database().await;
    assert_eq!(
        run(&setup, &["dead-letters", "list"]),
        ("no dead letters\n".to_owned(), 0)
    );
    assert_eq!(run_json(&setup, &["dead-letters", "list"]), (json!([]), 0));
    let poisoned = poison(&setup, &mut app, &database).await;
    let client = app.client().clone();
    let all = await_letters(&client).await;
    let failed = all
        .iter()
        .find(|it| it["consumer"] == "posts" && it["isParked"] == false);
    let failed = failed.expect("a letter");
    let text = |name: &str| failed[name].as_str().expect("a text").to_owned();
    let (id, fingerprint) = (text("id"), text("fingerprint"));

    let (shown, code) = run(&setup, &["dead-letters", "list", "--consumer", "posts"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!((code, lines.len()), (0, 6), "{shown}");
    assert!(
        lines[0].starts_with("LETTER") && lines[0].contains("FINGERPRINT"),
        "{shown}"
    );
    assert!(
        lines[1].starts_with(&id) && lines[1].contains(&fingerprint),
        "{shown}"
    );
    assert!(lines[1].contains("malformed"), "{shown}");
    assert!(
        lines[2].contains("waits behind an earlier one of its stream"),
        "{shown}"
    );
    assert_eq!(lines[5], "4 of 4 shown");
    // Columns are aligned.
    let at = lines[0].find("ATTEMPTS").expect("a column");
    assert!(
        lines[1..5]
            .iter()
            .all(|line| line.as_bytes()[at - 1] == b' '),
        "{shown}"
    );

    let (list, code) = run_json(
        &setup,
        &["dead-letters", "list", "--fingerprint", &fingerprint],
    );
    assert_eq!((code, list.as_array().map(Vec::len)), (0, Some(1)));
    for name in [
        "id", "consumer", "streamId", "type", "errors", "position", "isParked",
    ] {
        assert_eq!(list[0][name], failed[name], "{name}");
    }
    let stream = poisoned.post.as_str().expect("an id");
    let (list, _) = run_json(&setup, &["dead-letters", "list", "--stream", stream]);
    assert_eq!(list.as_array().map(Vec::len), Some(8));
    let third = list[2]["id"].as_str().expect("an id");
    let arguments = ["dead-letters", "list", "--after", third, "--limit", "2"];
    let (page, _) = run_json(&setup, &arguments);
    assert_eq!(page, json!([list[3], list[4]]));

    let (shown, code) = run(&setup, &["dead-letters", "show", &id]);
    assert_eq!(code, 0);
    for part in [
        id.as_str(),
        "posts (follower)",
        "PostCommentAdded",
        stream,
        "\"broken\": 7",
    ] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    let (shown, _) = run_json(&setup, &["dead-letters", "show", &id]);
    assert_eq!(shown["event"]["data"], json!({ "broken": 7 }));

    // What cannot be done, and the command lines that are wrong.
    let nobody = tests::ids::global_id("letter", 7);
    for (arguments, expected, said) in [
        (
            vec!["show", nobody.as_str()],
            1,
            "there is no such dead letter",
        ),
        (
            vec!["replay", nobody.as_str()],
            1,
            "there is no such dead letter",
        ),
        (vec!["show", "nonsense"], 1, "is not the id of a letter"),
        (vec!["replay"], 2, "required"),
        (
            vec!["replay", "--all", "--fingerprint", "1"],
            2,
            "cannot be used with",
        ),
        (vec!["list", "--limit", "0"], 2, "0 is not in"),
    ] {
        let arguments = [vec!["dead-letters"], arguments].concat();
        let (text, code) = run(&setup, &arguments);
        assert_eq!(code, expected, "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }

    // Still broken: letters are left, which the exit code tells.
    let (said, code) = run(&setup, &["dead-letters", "replay", &id]);
    assert_eq!((said.as_str(), code), ("0 replayed, 4 left\n", 3));
    poisoned.repair(&database).await;
    let (done, code) = run_json(&setup, &["dead-letters", "replay", &id]);
    assert_eq!((done, code), (json!({ "replayed": 4, "left": 0 }), 0));
    let (done, code) = run_json(&setup, &["dead-letters", "discard", "--all"]);
    assert_eq!(
        (done, code),
        (json!({ "discarded": 1, "replayed": 3, "left": 0 }), 0)
    );
    assert_eq!(letters(&client, "").await["totalCount"], 0);
    traffic::await_follower(&database, SOON).await;
    assert_eq!(wrong_rows(&database).await, 0);
    let told = audited(&database).await;
    let by_operator: Vec<_> = told
        .iter()
        .filter(|(.., actor)| actor == "operator")
        .collect();
    assert_eq!(by_operator.len(), 6, "{told:?}");
}

async fn the_status_at_a_terminal(setup: Setup) {
    let app = setup.start();
    let client = app.client();
    super::pause(client, "posts").await;
    super::await_held(client, "posts").await;
    let (shown, code) = run(&setup, &["status"]);
    assert_eq!(code, 0);
    let line = |name: &str| {
        let mut lines = shown.lines();
        let line = lines.find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap_or_else(|| panic!("no {name} in {shown}"))
    };
    assert!(line("FOLLOWER").contains("LAG"));
    assert!(
        line("posts").contains("16 of 16") && line("posts").contains("paused since"),
        "{shown}"
    );
    assert!(line("posts").contains(&setup.admin().id));
    assert!(!line("customer_statistics").contains("paused"));
    assert!(line("signal_trend").split_whitespace().nth(1) == Some("0"));
    let (status, code) = run_json(&setup, &["status"]);
    assert_eq!(code, 0);
    let posts = super::named(&status["followers"], "posts");
    let counted = super::unapplied(&setup.database().await, "posts").await;
    assert_eq!(posts["lag"]["events"], counted);
    assert_eq!(posts["parts"].as_array().map(Vec::len), Some(16));
    assert_eq!(
        super::named(&status["handlers"], "signal_notifier")["waiting"],
        0
    );
    assert!(line("TABLE").contains("MIB"), "{shown}");
    let log = super::named(&status["tables"], "event");
    assert!(log["bytes"].as_u64() > Some(8_000), "{log}");
    assert_eq!(status["prunedPosition"], 0);
    let events = "select count(*) as number from event where stream = 'operations'";
    assert_eq!(
        database::number(&setup.database().await, events).await,
        1,
        "it only looks"
    );
}

tests::both_ways!(
    an_epoch_at_a_terminal,
    dead_letters_at_a_terminal,
    the_status_at_a_terminal
);
