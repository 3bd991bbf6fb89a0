//! Work that goes on although it panics. A process that has lost one of its loops would look well, and only its restart would bring that
//! back; so the loop begins anew, from what the database says. Called for the loops of workers.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use tokio::time::sleep;

use crate::{backoff::Backoff, letters::panic_message};

/// The pause before work that has panicked begins anew, at first and at most. A stop is not noticed meanwhile.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Runs `work` until it ends without a panic.
pub async fn undying<F: Future>(what: &str, work: impl Fn() -> F) -> F::Output {
    let mut backoff = Backoff::new(FIRST_PAUSE, MAX_PAUSE);
    loop {
        match AssertUnwindSafe(work()).catch_unwind().await {
            Ok(output) => return output,
            Err(panic) => {
                let (error, failures) = (panic_message(&*panic), backoff.fail());
                tracing::error!(what, error, failures, "{what} panicked, and begins anew");
                sleep(backoff.pause()).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_panics_begins_anew() {
        let begun = AtomicU32::new(0);
        let work = || async {
            let number = begun.fetch_add(1, Ordering::SeqCst);
            assert!(number >= 1, "as asked");
            number
        };
        assert_eq!(undying("the work", work).await, 1);
    }
}
