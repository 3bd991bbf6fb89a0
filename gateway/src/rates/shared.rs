//! Tells all gateways of a Millrace, over Redis, what their clients spend. No request waits for it: each gateway decides by what it knows,
//! and learns what was spent elsewhere when it tells of its own.

use std::time::Duration;

use events::SharedStore;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Payer;
use super::meter::{Clock, WINDOW};

/// How long what is spent is gathered before it is told.
const GATHERED: Duration = Duration::from_millis(100);
/// The most payers told of in one call, and waiting. Those who find no room try again when they next spend.
const BATCH: usize = 256;
const WAITING: usize = 4_096;

pub(super) fn start(store: SharedStore, clock: Clock) -> Sender<Payer> {
    let (sender, receiver) = channel(WAITING);
    tokio::spawn(tell(store, clock, receiver));
    sender
}

/// Ends with the limits.
async fn tell(store: SharedStore, clock: Clock, mut queue: Receiver<Payer>) {
    let mut payers = Vec::new();
    while queue.recv_many(&mut payers, BATCH).await > 0 {
        let now = clock.now();
        let added: Vec<_> = payers
            .iter()
            .map(|payer| (payer.key(), payer.meter.take_untold(now)))
            .collect();
        // Without an answer the others do not learn of it, and this gateway knows what it knows.
        if let Some(debts) = store.add_debts(&added, WINDOW).await {
            let now = clock.now();
            for (payer, debt) in payers.iter().zip(debts) {
                payer.meter.learn(now, debt);
            }
        }
        let is_all = payers.len() < BATCH;
        payers.clear();
        if is_all {
            tokio::time::sleep(GATHERED).await;
        }
    }
}
