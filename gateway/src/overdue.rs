//! Work with a time limit. It runs in a task of its own, so the limit also holds for work that never yields: such work occupies its
//! worker thread until it ends, while another thread reports that it is late. While too much work is late nothing new is started, so hung
//! work cannot take the last thread. Work that yields ends at its limit, or when nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How long work that yields may take to end.
const GRACE: Duration = Duration::from_millis(20);

/// Counts late work that is still running.
#[derive(Clone, Default)]
pub(crate) struct Overdue(Arc<AtomicUsize>);

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// The work took longer than its limit.
    Late,
    /// The work was not started, because too much late work is running.
    Refused,
    /// The work panicked.
    Failed,
}

impl Overdue {
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unfinished> {
        if self.0.load(Ordering::Relaxed) >= most() {
            return Err(Unfinished::Refused);
        }
        let presence = Arc::new(Presence {
            state: AtomicU8::new(RUNNING),
            late: self.0.clone(),
        });
        let present = Present(presence.clone());
        let mut task = Task(tokio::spawn(async move {
            let result = work.await;
            drop(present);
            result
        }));
        match tokio::time::timeout(limit, &mut task.0).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panicked)) => {
                tracing::error!(error = %panicked, "an operation failed");
                Err(Unfinished::Failed)
            }
            Err(_) => {
                task.0.abort();
                // Most work ends at once when it is aborted.
                if tokio::time::timeout(GRACE, &mut task.0).await.is_err() {
                    presence.is_late();
                }
                Err(Unfinished::Late)
            }
        }
    }
}

/// Returns the number of worker threads but one.
fn most() -> usize {
    Handle::current()
        .metrics()
        .num_workers()
        .saturating_sub(1)
        .max(1)
}

const RUNNING: u8 = 0;
const LATE: u8 = 1;
const OVER: u8 = 2;

/// Tracks whether work is still running, and whether it counts as late.
struct Presence {
    state: AtomicU8,
    late: Arc<AtomicUsize>,
}

impl Presence {
    fn is_late(&self) {
        // The count is raised before it may be lowered again.
        self.late.fetch_add(1, Ordering::Relaxed);
        if self.state.swap(LATE, Ordering::AcqRel) == OVER {
            self.late.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Held by the work itself, and dropped when it has really ended.
struct Present(Arc<Presence>);

impl Drop for Present {
    fn drop(&mut self) {
        if self.0.state.swap(OVER, Ordering::AcqRel) == LATE {
            self.0.late.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(50);

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn work_that_never_yields_is_late_in_time_and_cannot_take_the_last_thread() {
        let overdue = Overdue::default();
        let begun = Instant::now();
        for _ in 0..2 {
            let hung = async { std::thread::sleep(Duration::from_secs(4)) };
            assert_eq!(overdue.run(LIMIT, hung).await, Err(Unfinished::Late));
        }
        assert_eq!(overdue.run(LIMIT, async {}).await, Err(Unfinished::Refused));
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "{:?}",
            begun.elapsed()
        );
        while overdue.0.load(Ordering::Relaxed) > 0 {
            assert!(begun.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(LIMIT).await;
        }
        assert_eq!(overdue.run(LIMIT, async {}).await, Ok(()));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn work_that_yields_ends_at_its_limit_or_with_whoever_waits() {
        let overdue = Overdue::default();
        let waiting = || std::future::pending::<()>();
        assert_eq!(overdue.run(LIMIT, waiting()).await, Err(Unfinished::Late));
        let (sender, ended) = tokio::sync::oneshot::channel::<()>();
        let work = async move {
            std::future::pending::<()>().await;
            drop(sender);
        };
        let running = overdue.run(Duration::from_secs(60), work);
        assert!(tokio::time::timeout(LIMIT, running).await.is_err());
        assert!(ended.await.is_err());
        // The panic bypasses the hook, because a search of schedules in this process would take every panic for its own.
        let panicking = async { std::panic::resume_unwind(Box::new("as it should")) };
        assert_eq!(
            overdue.run::<()>(LIMIT, panicking).await,
            Err(Unfinished::Failed)
        );
    }
}
