//! The extent of tests that search at random, or that go on under load for a while: they do less in the suite than on demand,
//! when `make test-long` sets TEST_LONG.

use std::sync::LazyLock;

static IS_LONG: LazyLock<bool> = LazyLock::new(|| std::env::var_os("TEST_LONG").is_some());

/// Returns the first value in the suite, the second on demand.
pub fn of<T>(short: T, long: T) -> T {
    if *IS_LONG { long } else { short }
}
