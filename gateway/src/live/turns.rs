//! Turns for those who read the past: so few of them are ready to run at once that events of the present never queue behind thousands who
//! come back.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Semaphore;

/// The turns of one process; clones are the same.
#[derive(Clone)]
pub(super) struct Turns(Arc<Semaphore>);

/// How many may be ready to run for each processor. A step takes some tens of microseconds, so whatever comes then waits for a few
/// milliseconds at most. With only one, each step would wait until the one before it was scheduled, which takes long on a busy machine.
const TURNS_OF_A_PROCESSOR: usize = 16;

impl Default for Turns {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(processors * TURNS_OF_A_PROCESSOR)))
    }
}

impl Turns {
    /// Runs `work`, each step of it in a turn. A turn is over when the step is, so nobody waits for a turn of somebody who waits.
    pub(super) async fn run(self, work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        // An error means that nobody takes turns any more, which does not happen.
        while let Ok(turn) = self.0.acquire().await {
            let step = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx)));
            let is_done = step.await.is_ready();
            drop(turn);
            if is_done {
                return;
            }
            // Whatever the work waits for wakes this task.
            let mut is_woken = false;
            poll_fn(|_| match std::mem::replace(&mut is_woken, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn few_run_at_once_and_who_waits_holds_up_nobody() {
        let turns = Turns(Arc::new(Semaphore::new(1)));
        let (running, most, done) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        let counts = Arc::new((running, most, done));
        // It never ends, and has had a turn.
        let waiting = tokio::spawn(turns.clone().run(std::future::pending()));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let counts = counts.clone();
                tokio::spawn(turns.clone().run(async move {
                    for _ in 0..20 {
                        let (running, most, _) = &*counts;
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_micros(20));
                        running.fetch_sub(1, Ordering::SeqCst);
                        sleep(Duration::from_micros(10)).await;
                    }
                    counts.2.fetch_add(1, Ordering::SeqCst);
                }))
            })
            .collect();
        for task in tasks {
            task.await.expect("it ends");
        }
        assert_eq!(counts.1.load(Ordering::SeqCst), 1);
        assert_eq!(counts.2.load(Ordering::SeqCst), 50);
        waiting.abort();
    }
}
