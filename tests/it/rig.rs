//! The short form of the fault rig: each fault that takes a moment, once. `make faults` is the long one.

use std::io::Write;
use std::time::Duration;

use tests::rig::{self, Plan};

/// Faults are not begun after this, so that the test is short also on a slow machine; fewer would say little.
const LIMIT: Duration = Duration::from_secs(60);
const AT_LEAST: usize = 5;

#[test]
fn each_fault_of_a_moment() {
    tests::setup::run_alone(|| async {
        let plan = Plan {
            seed: fastrand::u64(..1_000_000),
            only: None,
            times: 1,
            times_long: 0,
            limit: LIMIT,
            at_least: AT_LEAST,
        };
        let told = parking_lot::Mutex::new(String::new());
        let table = rig::run(&plan, |line| {
            let mut told = told.lock();
            told.push_str(&line);
            told.push('\n');
        })
        .await;
        let told = told.into_inner();
        // Not `print!`: the harness would swallow it.
        let _ = std::io::stderr().write_all(table.text().as_bytes());
        assert!(table.problems().is_empty(), "{told}");
        assert!(table.injections() >= AT_LEAST, "{told}");
    });
}
