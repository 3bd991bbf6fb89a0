//! Signals: each writer is a source, and submits one value after the other.

use std::time::Duration;

use serde_json::{Value, json};

use crate::rig::hand::Hand;

/// A signal causes seven events and as many deliveries; a faster pace would leave nothing of the machine to the other domains.
const PAUSE: Duration = Duration::from_millis(300);

pub(in crate::rig) async fn write(mut hand: Hand) -> Hand {
    let source = hand.new_text();
    let mut last = 0;
    while hand.goes_on().await {
        let value = f64::from(hand.random.u32(..1_000)) / 10.0;
        let signal = submit(&mut hand, &source, value).await;
        if let Some(number) = signal["number"].as_u64() {
            if number != last + 1 {
                let problem = format!("number {number} of {source} follows {last}");
                hand.book.note_doubled(problem);
            }
            last = number;
        }
        tokio::time::sleep(PAUSE).await;
    }
    hand
}

/// Submits a signal; returns it, or null if it was refused.
pub(in crate::rig) async fn submit(hand: &mut Hand, source: &str, value: f64) -> Value {
    let input = json!({ "source": source, "value": value });
    let selection = "signal { id number version }";
    let mut payload = hand
        .ask("submitSignal", selection, input, &[("signal", 1)])
        .await;
    payload["signal"].take()
}
