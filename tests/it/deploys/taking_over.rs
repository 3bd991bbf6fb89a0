//! How long read models stand still when all workers are killed and started again, with leases as they come.

use std::time::{Duration, Instant};

use tests::waiting::SOON;
use tests::{Setup, customers, eventually};

/// docs/operating/workers.md has what was measured, which is half of it. It was 20 s with leases of 10 s. A slow machine has as much more
/// as it takes to start the workers and to give them something to do.
const LONGEST: Duration = Duration::from_secs(10);

async fn killed_workers_are_replaced_soon(setup: Setup) {
    let mut app = setup.start_many(1, 2, &[]);
    customers::create(app.client(), "C", "c0@example.com").await;
    let counted = async |app: &tests::Running, total: i32| {
        eventually("they are counted", SOON, async || {
            (customers::statistics(app.client()).await["total"] == total).then_some(())
        })
        .await;
    };
    counted(&app, 1).await;
    for worker in &mut app.workers {
        worker.kill();
    }
    let killed = Instant::now();
    app.workers = (0..2).map(|_| setup.workers(&[])).collect();
    // Of many parts, so that all of them must have been taken over.
    for number in 1..=40 {
        customers::create(app.client(), "C", &format!("c{number}@example.com")).await;
    }
    let given = killed.elapsed();
    counted(&app, 41).await;
    let stood = killed.elapsed();
    assert!(
        stood < LONGEST + given,
        "read models stood still for {stood:?}, of which {given:?} were ours"
    );
}

tests::distributed!(killed_workers_are_replaced_soon);
