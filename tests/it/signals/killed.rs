//! `kill -9` in the middle of it, again and again: every signal that was answered ends once, with every result once.

use std::time::Duration;

use serde_json::Value;
use tests::graphql::Client;
use tests::signals::{await_signal, submit};
use tests::{Running, Setup, database};

const ROUNDS: usize = 4;
const SIGNALS: usize = 12;

/// Whoever works is killed, and started again: embedded that is the gateway itself.
fn kill(setup: &Setup, app: &mut Running, round: usize) {
    if setup.is_distributed() {
        let place = round % app.workers.len();
        app.workers[place].kill();
        app.workers[place] = setup.workers(&[]);
    } else {
        app.gateways[0].kill_and_restart();
    }
}

async fn every_signal_ends_once(mut setup: Setup) {
    // Slow enough to be killed in the middle of all steps; leases short enough to be taken over soon.
    setup.settings.set(
        "MILLRACE_FAULTS",
        "signal_statistics:delay=300ms,fail=0.1;signal_trend:delay=500ms;signal_levels:delay=100ms",
    );
    setup.settings.set("MILLRACE_SIGNAL_DEADLINE", "5m");
    setup.settings.set("MILLRACE_LEASE", "1000ms");
    let mut app = setup.start_many(1, 2, &[]);
    let client: Client = app.client().clone();
    let mut ids: Vec<Value> = Vec::new();
    for round in 0..ROUNDS {
        let submissions =
            (0..SIGNALS).map(|number| submit(&client, "killed", (round * 100 + number) as f64));
        let signals = futures::future::join_all(submissions).await;
        ids.extend(signals.iter().map(|signal| signal["id"].clone()));
        // Some are being handled by now, and some are not.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(100..900))).await;
        kill(&setup, &mut app, round);
    }
    for id in &ids {
        let ended = await_signal(&client, id, "the signal ends", |it| {
            it["notification"].is_object()
        })
        .await;
        assert_eq!(ended["status"], "COMPLETED", "{ended}");
    }
    let database = setup.database().await;
    let log = database::log(&database).await;
    let of_signals: Vec<_> = log
        .iter()
        .filter(|entry| entry.stream == "signal")
        .collect();
    let count = |kind: &str| of_signals.iter().filter(|entry| entry.kind == kind).count();
    let signals = ROUNDS * SIGNALS;
    for (kind, expected) in [
        ("SignalSubmitted", signals),
        ("SignalProcessingStarted", signals),
        ("SignalResultRecorded", 3 * signals),
        ("SignalLateResultRecorded", 0),
        ("SignalCompleted", signals),
        ("SignalNotified", signals),
    ] {
        assert_eq!(count(kind), expected, "{kind}");
    }
    assert_eq!(of_signals.len(), 7 * signals);
    let dead = database::number(&database, "select count(*) as number from dead_letter").await;
    assert_eq!(dead, 0, "killed attempts are not failures");
}

tests::both_ways!(every_signal_ends_once);
