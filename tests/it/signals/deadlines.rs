//! Deadlines: a processor that is silent leaves a partial result, at the time that the database says, with the names of those
//! who are missing; what comes later is kept, and changes nothing.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::signals::{await_signal, finding, follow, steps_until, submit};
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

fn time(value: &Value) -> f64 {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("not a time: {value}"));
    let (date, clock) = text.split_once('T').expect("a date and a time");
    let clock = clock.trim_end_matches('Z').trim_end_matches("+00:00");
    let seconds = clock.split(':').fold(0.0, |sum, part| {
        sum * 60.0 + part.parse::<f64>().expect("a number")
    });
    // Within a test, a day is either today or tomorrow.
    let day: f64 = date
        .rsplit('-')
        .next()
        .and_then(|day| day.parse().ok())
        .expect("a day");
    day * 86_400.0 + seconds
}

async fn a_silent_processor_is_named_and_its_late_answer_changes_nothing(mut setup: Setup) {
    setup.settings.set("MILLRACE_SIGNAL_DEADLINE", "4s");
    setup
        .settings
        .set("MILLRACE_FAULTS", "signal_trend:delay=12s");
    let app = setup.start_many(2, 2, &[]);
    let client = app.client();
    let start = client.head().await;
    let submitted = submit(client, "boiler", 97.0).await;
    let id = &submitted["id"];
    let mut socket = client.socket().await;
    follow(&mut socket, "1", id, Some(&start)).await;
    let steps = steps_until(&mut socket, "1", "LATE_RESULT_RECORDED").await;
    let completed: Vec<_> = steps
        .iter()
        .filter(|step| step["type"] == "COMPLETED")
        .collect();
    let [completed] = completed[..] else {
        panic!("not one end: {steps:?}");
    };
    assert_eq!(completed["actor"]["name"], "signal_deadline");
    let partial = &completed["signal"];
    assert_eq!(partial["status"], "PARTIAL");
    assert_eq!(partial["missing"], json!(["TREND"]));
    assert_eq!(finding(partial, "LEVELS")["level"], "critical");
    assert_eq!(finding(partial, "STATISTICS")["count"], 0);
    assert_eq!(*finding(partial, "TREND"), Value::Null);
    // By the clock that was asked for all of these: the database's.
    let took = time(&partial["completedAt"]) - time(&partial["submittedAt"]);
    println!("a deadline of 4 s ended after {took:.3} s");
    // Never before the deadline, and within a second of it, or as much later as the machine let the prompt processors wait.
    let prompt = partial["results"].as_array().expect("results").iter();
    let waited = prompt.map(|result| time(&result["recordedAt"]) - time(&partial["submittedAt"]));
    let most = 5.0_f64.max(4.0 + 4.0 * waited.fold(0.0, f64::max));
    assert!((4.0..most).contains(&took), "{took} s of {most} s");
    let allowed = time(&partial["deadlineAt"]) - time(&partial["submittedAt"]);
    assert!((allowed - 4.0).abs() < 1e-6, "{allowed} s");

    let late = steps.last().expect("a late result");
    assert_eq!(late["processors"], json!(["TREND"]));
    let trend = |signal: &Value| signal["results"][1].clone();
    assert_eq!(trend(&late["signal"])["isLate"], true);
    let after = await_signal(client, id, "the late result is kept", |signal| {
        trend(signal)["isLate"] == true && signal["notification"].is_object()
    })
    .await;
    for field in ["status", "missing", "completedAt"] {
        assert_eq!(after[field], partial[field], "{field}");
    }
    let text = after["notification"]["text"].as_str().expect("a text");
    assert!(
        text.contains("critical") && text.ends_with("without trend"),
        "{text}"
    );
}

/// Nobody works: the signal waits, and ends when somebody comes, with everybody missing; nobody is asked any more.
async fn without_workers_it_ends_when_one_comes(mut setup: Setup) {
    setup.settings.set("MILLRACE_SIGNAL_DEADLINE", "300ms");
    let app = setup.start_many(1, 0, &[]);
    let client = app.client();
    let id = submit(client, "boiler", 1.0).await["id"].clone();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let waiting = tests::signals::find(client, &id).await;
    assert_eq!(waiting["status"], "PENDING");
    let _worker = setup.workers(&[]);
    let ended = await_signal(client, &id, "it ends", |it| it["notification"].is_object()).await;
    // Whoever came first, the watch or the orchestrator, it was too late for both.
    assert_eq!(ended["status"], "PARTIAL");
    assert_eq!(ended["missing"], json!(["STATISTICS", "TREND", "LEVELS"]));
    assert_eq!(ended["results"], json!([]));
    let database = setup.database().await;
    eventually("all deliveries are done", SOON, async || {
        let open = "select count(*) as number from delivery where state <> 'done'";
        (database::number(&database, open).await == 0).then_some(())
    })
    .await;
    let kinds: Vec<_> = database::log(&database)
        .await
        .into_iter()
        .filter(|entry| entry.stream == "signal")
        .map(|entry| entry.kind)
        .collect();
    assert_eq!(
        kinds,
        ["SignalSubmitted", "SignalCompleted", "SignalNotified"]
    );
}

/// A signal that cannot be read, such as one of a newer version, stays open, and holds up no other.
async fn a_signal_that_cannot_be_read_keeps_no_other_open(mut setup: Setup) {
    setup.settings.set("MILLRACE_SIGNAL_DEADLINE", "3s");
    setup
        .settings
        .set("MILLRACE_FAULTS", "signal_trend:delay=280s");
    let app = setup.start_many(1, 1, &[]);
    let client = app.client();
    submit(client, "odd", 1.0).await;
    let database = setup.database().await;
    let spoiled = "update signal set missing = 'not a list' where source = 'odd'";
    let spoiled = database.execute_unprepared(spoiled).await;
    spoiled.expect("it is spoiled");
    let id = submit(client, "plain", 2.0).await["id"].clone();
    let ended = await_signal(client, &id, "it ends", |it| it["completedAt"].is_string()).await;
    assert_eq!(ended["status"], "PARTIAL");
    assert_eq!(ended["missing"], json!(["TREND"]));
}

tests::both_ways!(
    a_signal_that_cannot_be_read_keeps_no_other_open,
    a_silent_processor_is_named_and_its_late_answer_changes_nothing
);
tests::distributed!(without_workers_it_ends_when_one_comes);
