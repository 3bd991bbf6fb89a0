//! Attackers at the door: each test does what one would, with a well-behaved client beside it that must be answered as if nothing were, and
//! a bound on what the gateway may grow by. None of it comes as far as what differs between the two ways to run, so it runs embedded.

mod attacks;
mod connections;
mod floods;
mod memory;
mod names;
mod passwords;
mod rates;
mod read_after;
mod room;
mod secrets;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::waiting::SOON;
use tests::{Running, process};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

/// What the gateway may grow by, whatever is done to it.
const MOST_GROWTH: u64 = 80 << 20;
/// How long a well-behaved client may have to wait on a slow and busy machine: less than the 15 s and more for which the gateway bears with
/// those who say nothing.
const SLOWEST: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_millis(50);

/// A client that behaves well, and an eye on the gateway's memory.
struct Beside {
    over: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    answers: watch::Sender<u64>,
    before: u64,
    client: JoinHandle<Vec<Duration>>,
}

impl Beside {
    async fn begin(app: &Running) -> Self {
        let client = app.client().clone();
        // What any request makes it take is not the attack's.
        for _ in 0..50 {
            client.head().await;
        }
        let pid = app.gateways[0].process.pid();
        let before = process::resident_bytes(pid);
        let (over, peak) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(before)),
        );
        let (is_over, highest) = (over.clone(), peak.clone());
        let answers = watch::Sender::new(0);
        let answered = answers.clone();
        let client = tokio::spawn(async move {
            let question = json!({ "query": "{ me { id } }" });
            let mut waited = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                // Where there is no more room, a connection may be closed for another one as it is about to be used, and any client of
                // HTTP then takes another.
                let answer = loop {
                    match client.post(&question, &[]).await {
                        Ok(answer) => break answer,
                        Err(error) => assert!(asked.elapsed() < SLOWEST, "{error}"),
                    }
                };
                assert!(answer.data()["me"]["id"].is_string());
                waited.push(asked.elapsed());
                highest.fetch_max(process::resident_bytes(pid), Ordering::Relaxed);
                answered.send_modify(|answers| *answers += 1);
                tokio::time::sleep(PAUSE).await;
            }
            waited
        });
        Self {
            over,
            peak,
            answers,
            before,
            client,
        }
    }

    /// Until the client has had so many more answers.
    async fn await_answers(&self, more: u64) {
        let mut answers = self.answers.subscribe();
        let goal = *answers.borrow() + more;
        let waited = answers.wait_for(|answers| *answers >= goal);
        drop(timeout(SOON, waited).await.expect("answers"));
    }

    /// Ends it, and says what it saw.
    async fn end(self, attack: &str) {
        self.end_within(attack, MOST_GROWTH).await;
    }

    /// The same of an attack that may take more.
    async fn end_within(self, attack: &str, most_growth: u64) {
        self.over.store(true, Ordering::Relaxed);
        let mut waited = self.client.await.expect("every request was answered");
        waited.sort();
        let (median, slowest) = (waited[waited.len() / 2], waited[waited.len() - 1]);
        let growth = self.peak.load(Ordering::Relaxed) - self.before;
        println!(
            "{attack}: grew by {} MiB at most; others waited {median:?}, {slowest:?} at most",
            growth >> 20
        );
        assert!(growth < most_growth, "{attack}: {} MiB", growth >> 20);
        assert!(slowest < SLOWEST, "{attack}: {slowest:?}");
    }
}
