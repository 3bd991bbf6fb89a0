//! Progress: every step of a signal is pushed, once and in order, with the signal as it was after it; who was away gets what it
//! missed.

use serde_json::{Value, json};
use tests::signals::{await_end, follow, step, steps_until, submit};
use tests::{Setup, ids, people};

fn types(steps: &[Value]) -> Vec<&str> {
    let types = steps.iter().map(|step| step["type"].as_str());
    types.map(|it| it.expect("a type")).collect()
}

/// The signal is pending when it is answered, and every step shows what it was then.
async fn every_step_is_pushed_in_order(setup: Setup) {
    let app = setup.start_many(2, 2, &[]);
    let admin = app.client();
    let ada = people::register(admin, "Ada").await;
    let near = ada.client(admin);
    let far = ada.client(&app.gateways.last().expect("a gateway").client);
    let start = near.head().await;
    let submitted = submit(&near, "boiler", 20.0).await;
    assert_eq!(submitted["status"], "PENDING");
    assert_eq!(submitted["results"], json!([]));
    assert_eq!(submitted["submittedBy"]["id"], ada.id);

    let mut socket = far.socket().await;
    follow(&mut socket, "1", &submitted["id"], Some(&start)).await;
    let steps = steps_until(&mut socket, "1", "NOTIFIED").await;
    let expected = [
        "SUBMITTED",
        "PROCESSING_STARTED",
        "RESULT_RECORDED",
        "RESULT_RECORDED",
        "RESULT_RECORDED",
        "COMPLETED",
        "NOTIFIED",
    ];
    assert_eq!(types(&steps), expected);
    let mut answered = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let signal = &step["signal"];
        assert_eq!(signal["version"], number + 1, "{step}");
        let status = match number {
            0 => "PENDING",
            1..=4 => "PROCESSING",
            _ => "COMPLETED",
        };
        assert_eq!(signal["status"], status, "{step}");
        assert_eq!(signal["missing"], json!([]));
        if step["type"] == "RESULT_RECORDED" {
            answered.push(step["processors"][0].as_str().expect("a processor"));
        }
        let results = signal["results"].as_array().expect("results").iter();
        let mut shown: Vec<_> = results
            .map(|it| it["processor"].as_str().expect("one"))
            .collect();
        let mut all = answered.clone();
        shown.sort_unstable();
        all.sort_unstable();
        assert_eq!(shown, all, "{step}");
    }
    assert_eq!(steps[0]["actor"]["id"], ada.id);
    assert_eq!(steps[1]["actor"]["name"], "signal_orchestrator");
    assert_eq!(
        steps[1]["processors"],
        json!(["STATISTICS", "TREND", "LEVELS"])
    );
    let actor_of = |step: &Value| match step["processors"][0].as_str().expect("one") {
        "STATISTICS" => "signal_statistics",
        "TREND" => "signal_trend",
        _ => "signal_levels",
    };
    for step in &steps[2..5] {
        assert_eq!(step["actor"]["name"], actor_of(step));
    }
    assert_eq!(steps[5]["actor"]["name"], "signal_aggregator");
    assert_eq!(steps[6]["actor"]["name"], "signal_notifier");
    let positions: Vec<_> = steps
        .iter()
        .map(|step| ids::position(step["cursor"].as_str().expect("a cursor")))
        .collect();
    assert!(
        positions.is_sorted_by(|one, other| one < other),
        "{positions:?}"
    );
    // The last step is the signal as it is now.
    assert_eq!(await_end(&near, &submitted["id"]).await, steps[6]["signal"]);
}

async fn who_was_away_gets_what_was_missed(setup: Setup) {
    let app = setup.start_many(2, 1, &[]);
    let (near, far) = (
        app.client(),
        &app.gateways.last().expect("a gateway").client,
    );
    let start = near.head().await;
    let id = submit(near, "boiler", 1.0).await["id"].clone();
    let mut socket = near.socket().await;
    follow(&mut socket, "1", &id, Some(&start)).await;
    let all = steps_until(&mut socket, "1", "NOTIFIED").await;
    // Behind each step in turn, on another gateway: the rest, as it was.
    for (number, seen) in all.iter().enumerate().take(all.len() - 1) {
        let mut socket = far.socket().await;
        follow(&mut socket, "1", &id, seen["cursor"].as_str()).await;
        let rest = steps_until(&mut socket, "1", "NOTIFIED").await;
        assert_eq!(rest, all[number + 1..], "behind {number}");
    }
    // Other signals are not told of.
    let mut socket = far.socket().await;
    follow(&mut socket, "1", &id, Some(&start)).await;
    let other = submit(near, "boiler", 2.0).await["id"].clone();
    await_end(near, &other).await;
    for expected in &all {
        assert_eq!(step(&mut socket, "1").await, *expected);
    }
    let more = socket
        .receive_within(std::time::Duration::from_millis(300))
        .await;
    let is_quiet = match &more {
        None => true,
        Some(tests::socket::Frame::Message(message)) => message["type"] != "next",
        Some(_) => false,
    };
    assert!(is_quiet, "{more:?}");
}

tests::both_ways!(
    every_step_is_pushed_in_order,
    who_was_away_gets_what_was_missed
);
