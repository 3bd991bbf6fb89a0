//! How much of it. Tests that search at random, or that go on under load for a while, do less in the suite than on demand:
//! `make test-long` sets TEST_LONG.

use std::sync::LazyLock;

static IS_LONG: LazyLock<bool> = LazyLock::new(|| std::env::var_os("TEST_LONG").is_some());

/// The first number in the suite, the second on demand.
pub fn of<T>(short: T, long: T) -> T {
    if *IS_LONG { long } else { short }
}
