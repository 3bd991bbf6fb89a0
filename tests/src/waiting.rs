//! Waits for a condition instead of sleeping. Every wait has a limit, and reports what it waited for when the limit is reached.

use std::time::{Duration, Instant};

/// The interval between checks of a condition.
const POLL: Duration = Duration::from_millis(20);

/// The limit for conditions that should take a moment. It says that something hangs, and nothing about speed: the machine may be slow, and
/// busy with other tests.
pub const SOON: Duration = Duration::from_secs(180);

/// Calls `probe` until it returns a value, at most `within`.
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

/// Does the same outside a runtime.
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
