//! Debts that all processes share: amounts of time that are paid off as time passes. Redis keeps the clock, so the clocks of processes need
//! not agree. Called by the rate limits of gateways, which go on without it when there is no answer.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;

use super::{BATCH_LIMIT, Kind, RedisStore, SharedStore};
use crate::{boxed, connector::Connection};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("debts.lua")));

impl SharedStore {
    /// Adds to the debts, each of which may grow to `most`, and returns what they are now, in their order. `None` when that is not
    /// possible now, and for a store in memory: a process that is alone knows its debts.
    #[boxed]
    pub async fn add_debts(
        &self,
        added: &[(String, Duration)],
        most: Duration,
    ) -> Option<Vec<Duration>> {
        match &self.0 {
            Kind::Redis(store) => store.add_debts(added, most).await,
            Kind::Memory(_) => None,
        }
    }
}

impl RedisStore {
    async fn add_debts(
        self: &Arc<Self>,
        added: &[(String, Duration)],
        most: Duration,
    ) -> Option<Vec<Duration>> {
        let mut invocation = SCRIPT.prepare_invoke();
        invocation.arg(micros(most));
        for (key, amount) in added {
            invocation.key(self.key(key)).arg(micros(*amount));
        }
        let debts = self
            .call(BATCH_LIMIT, async |connection: &mut Connection| {
                invocation.invoke_async::<Vec<u64>>(connection).await
            })
            .await?;
        let is_whole = debts.len() == added.len();
        is_whole.then(|| debts.into_iter().map(Duration::from_micros).collect())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
