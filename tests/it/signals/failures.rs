//! Processors that fail: retried until they succeed, counted, and given up only when they always fail; then the signal ends
//! without them.

use serde_json::json;
use tests::signals::{await_end, finding, submit};
use tests::waiting::SOON;
use tests::{Setup, database, eventually};

async fn injected_failures_are_retried_to_success(mut setup: Setup) {
    // A delivery is given up after ten attempts: with 36 of them, one in 5,000 runs sees that happen. At a rate of 0.5 one in 40 does.
    let faults =
        "signal_statistics:fail=0.3;signal_trend:fail=0.3;signal_levels:fail=0.3,delay=20ms";
    setup.settings.set("MILLRACE_FAULTS", faults);
    // The tail of full jitter and of bad luck is long, and this is not about the deadline.
    setup.settings.set("MILLRACE_SIGNAL_DEADLINE", "5m");
    let app = setup.start_many(1, 2, &[]);
    let client = app.client();
    let submissions = (0..12).map(|number| submit(client, "flaky", f64::from(number)));
    let signals = futures::future::join_all(submissions).await;
    for signal in &signals {
        let ended = await_end(client, &signal["id"]).await;
        assert_eq!(ended["status"], "COMPLETED");
        assert_eq!(ended["results"].as_array().map(Vec::len), Some(3));
        let before = signal["number"].as_i64().expect("a number") - 1;
        assert_eq!(finding(&ended, "STATISTICS")["count"], before);
    }
    let database = setup.database().await;
    let of_processors = "handler in ('signal_statistics', 'signal_trend', 'signal_levels')";
    let number = async |what: &str| {
        let sql =
            format!("select count(*) as number from delivery where {of_processors} and {what}");
        database::number(&database, &sql).await
    };
    assert_eq!(number("state = 'done'").await, 36);
    // That none of 36 deliveries fails has a chance of one in 400,000.
    let retried = number("attempts > 1").await;
    println!("{retried} of 36 deliveries needed more than one attempt");
    assert!(retried > 0);
    let results = "select count(*) as number from signal_result";
    assert_eq!(
        database::number(&database, results).await,
        36,
        "none counts twice"
    );
}

/// One that always fails goes to the dead letters, and the signal ends without it at the deadline.
async fn one_that_always_fails_is_missing(mut setup: Setup) {
    setup
        .settings
        .set("MILLRACE_FAULTS", "signal_levels:fail=1");
    // The others answer within it on any machine.
    setup.settings.set("MILLRACE_SIGNAL_DEADLINE", "10s");
    let app = setup.start();
    let client = app.client();
    let id = submit(client, "broken", 1.0).await["id"].clone();
    let ended = await_end(client, &id).await;
    assert_eq!(ended["status"], "PARTIAL");
    assert_eq!(ended["missing"], json!(["LEVELS"]));
    assert_eq!(ended["results"].as_array().map(Vec::len), Some(2));
    let database = setup.database().await;
    eventually("the delivery is given up", SOON, async || {
        let dead = "select count(*) as number from dead_letter where consumer = 'signal_levels' and attempts = 10";
        (database::number(&database, dead).await == 1).then_some(())
    })
    .await;
    let error = "select error as text from dead_letter";
    assert!(database::texts(&database, error).await[0].contains("a fault was injected"));
}

tests::both_ways!(
    injected_failures_are_retried_to_success,
    one_that_always_fails_is_missing
);
