//! The definition of recovery: each gateway answers a mutation, all subscribers of customers get its event, all followers have
//! applied it, and a signal that was submitted to each gateway has passed through all handlers.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Rig;
use super::domains::signals;
use crate::ids;
use crate::waiting::SOON;

impl Rig {
    /// Returns how long after `end` everything had recovered.
    pub async fn recovery(&mut self, end: Instant) -> Result<Duration, String> {
        let probes = (0..self.gateways.len()).map(|index| self.probe_gateway(index));
        for probed in futures::future::join_all(probes).await {
            probed?;
        }
        let head = self.sight.head(SOON).await?;
        self.sight.await_followers(&head, SOON).await?;
        self.sight.await_handlers(&head, SOON).await?;
        Ok(end.elapsed())
    }

    /// Checks that this gateway answers, and that every subscriber gets the event.
    async fn probe_gateway(&self, index: usize) -> Result<(), String> {
        let client = self.load.admins[index].clone();
        let hand = &mut self.load.hand(format!("probe-{index}"), vec![client], 0);
        // Addresses belong to a user for good, so each probe uses a new one.
        let email = format!("probe-{:x}@example.com", fastrand::u64(..));
        let input = json!({ "name": "Probe", "email": email });
        let asking = hand.ask_version("createCustomer", "customer", input, &[("customer", 1)], 0);
        let answered = tokio::time::timeout(SOON, asking).await;
        let customer = answered.map_err(|_| format!("gateway {index} does not answer"))?;
        let id = customer["id"].as_str().and_then(ids::uuid_digits);
        let id = id.ok_or(format!("gateway {index} refuses a probe"))?;
        let position = self.position_of("customer", &id).await?;
        self.load.await_feed_at("customers", position, SOON).await?;
        let submitting = signals::submit(hand, "probe", 42.0);
        let answered = tokio::time::timeout(SOON, submitting).await;
        let signal = answered.map_err(|_| format!("gateway {index} takes no signal"))?;
        let id = signal["id"].as_str().and_then(ids::uuid_digits);
        let id = id.ok_or(format!("gateway {index} refuses a signal"))?;
        let open = format!(
            "select count(*) as number from signal where id = '{id}' \
             and (status <> 'COMPLETED' or notified_at is null)"
        );
        let what = "probed signals that are not complete";
        self.sight.await_none(&open, SOON, what).await
    }

    /// Returns the position of the first event of a stream, once it has one.
    pub async fn position_of(&self, stream: &str, id: &str) -> Result<u64, String> {
        let sql = format!(
            "select p.position as number from event e join event_position p using (inserted) \
             where e.stream_id = '{id}' and e.version = 1 and e.stream = '{stream}'"
        );
        let started = Instant::now();
        loop {
            match self.sight.number(&sql).await? {
                0 if started.elapsed() > SOON => {
                    return Err("an event has no position".into());
                }
                0 => tokio::time::sleep(Duration::from_millis(10)).await,
                position => return Ok(position),
            }
        }
    }
}
