//! The short form of the soak: what processes hold does not grow while clients come and go. `make soak` is the long one.

use std::time::Duration;

use tests::rig::Soak;

#[test]
fn nothing_grows_while_clients_come_and_go() {
    tests::setup::run_alone(|| async {
        let told = parking_lot::Mutex::new(Vec::new());
        let soak = Soak {
            seed: fastrand::u64(..1_000_000),
            duration: Duration::from_secs(48),
            interval: Duration::from_secs(1),
        };
        let soaked = soak.run(|line| told.lock().push(line)).await;
        let problems = soaked.problems();
        let told = told.into_inner().join("\n");
        assert!(
            problems.is_empty(),
            "seed {}\n{told}\n{problems:#?}",
            soak.seed
        );
        assert!(soaked.visits > 20, "{} visits", soaked.visits);
    });
}
