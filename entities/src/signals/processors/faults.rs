//! Faults to inject into processors by configuration, for demonstrations and tests of what happens to signals then.

use std::{collections::BTreeMap, time::Duration};

use ::events::HandlerError;

use super::Processor;

/// The faults of one processor.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Fault {
    /// The additional time that it takes.
    pub delay: Duration,
    /// The share of attempts that fail, 0 to 1.
    pub failure_rate: f64,
    /// The process ends, as by a bug, on signals with this value or a higher one.
    pub kill_from: Option<f64>,
}

/// The faults by processor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults(pub BTreeMap<Processor, Fault>);

impl Faults {
    /// Waits, fails, or ends the process, as configured.
    pub(super) async fn inject(
        &self,
        processor: Processor,
        value: f64,
    ) -> Result<(), HandlerError> {
        let Some(fault) = self.0.get(&processor) else {
            return Ok(());
        };
        tokio::time::sleep(fault.delay).await;
        if fault.kill_from.is_some_and(|from| value >= from) {
            tracing::error!(?processor, value, "an injected fault ends the process");
            std::process::abort();
        }
        let random = getrandom::u32().map_err(|error| HandlerError::Retry(error.to_string()))?;
        // A rate of 0 never fails, a rate of 1 always.
        match f64::from(random) / (f64::from(u32::MAX) + 1.0) < fault.failure_rate {
            true => Err(HandlerError::Retry("a fault was injected".to_owned())),
            false => Ok(()),
        }
    }
}
