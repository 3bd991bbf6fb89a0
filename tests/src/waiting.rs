//! Awaiting a condition in place of sleeping. Every wait has a limit, and says what it waited for when it is reached.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// The limit for what should take a moment. Generous: the machine may be busy with other tests.
pub const SOON: Duration = Duration::from_secs(60);

/// Calls `probe` until it gives a value, at most `within`.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(
            started.elapsed() < within,
            "waited {within:?} in vain: {what}"
        );
        tokio::time::sleep(POLL).await;
    }
}

/// The same for code outside of a runtime.
pub fn eventually_blocking<T>(
    what: &str,
    within: Duration,
    mut probe: impl FnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(
            started.elapsed() < within,
            "waited {within:?} in vain: {what}"
        );
        std::thread::sleep(POLL);
    }
}
