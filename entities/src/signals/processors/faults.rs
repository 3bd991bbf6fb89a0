//! What is to go wrong in processors, by configuration: to see for oneself, and in tests, what becomes of signals then.

use std::{collections::BTreeMap, time::Duration};

use ::events::HandlerError;

use super::Processor;

/// What goes wrong in one processor.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Fault {
    /// It takes so much longer.
    pub delay: Duration,
    /// It fails so often, 0 to 1.
    pub failure_rate: f64,
    /// It ends its process, as a fault of the code would, on signals with this value or a higher one.
    pub kill_from: Option<f64>,
}

/// What goes wrong, by processor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults(pub BTreeMap<Processor, Fault>);

impl Faults {
    /// Waits, fails, and does worse, as configured.
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
            tracing::error!(
                ?processor,
                value,
                "a fault was injected that ends the process"
            );
            std::process::abort();
        }
        let random = getrandom::u32().map_err(|error| HandlerError::Retry(error.to_string()))?;
        // 0 never fails, 1 always.
        match f64::from(random) / (f64::from(u32::MAX) + 1.0) < fault.failure_rate {
            true => Err(HandlerError::Retry("a fault was injected".to_owned())),
            false => Ok(()),
        }
    }
}
