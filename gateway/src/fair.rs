//! Fair shares of the processor: a document is read, and each step of an operation is done, in a turn of its caller, of whom there may be as
//! many at once as there are processors but one. However much one caller asks for, another's step waits for the steps under way at most, and
//! not behind everything that the first has queued. A step lasts until the operation has to wait for something, so no turn is held meanwhile.
//! A caller takes no turns while its steps, all together, would hold up others for a moment at most: turns cost more than such steps do.
//! Called by `app`.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use async_graphql::ServerError;
use events::{Claimant, Crowded, Turn, Turns};
use moka::sync::Cache;
use tokio::runtime::Handle;

use crate::errors::{Code, RETRY_AFTER_SECONDS, typed, with};

/// How long a step may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many steps of one caller may wait: of all who come back at once from one address, none is refused.
const ROOM: usize = 20_000;

/// How long the next steps of all operations of one caller may take, for it to need no turns.
const MOMENT: Duration = Duration::from_millis(5);

/// How many callers' paces are remembered, and for how long after their last operation.
const CALLERS: u64 = 10_000;
const REMEMBERED: Duration = Duration::from_secs(60);

/// The turns of one process.
pub(crate) struct Shares {
    turns: Turns,
    paces: Cache<Claimant, Arc<Pace>>,
}

impl Default for Shares {
    fn default() -> Self {
        // Outside of a runtime nothing is executed.
        let threads = Handle::try_current().map_or(2, |handle| handle.metrics().num_workers());
        let threads = threads.max(2);
        Self::new(Turns::new(threads, threads - 1, PATIENCE).with_room(ROOM))
    }
}

impl Shares {
    fn new(turns: Turns) -> Self {
        let paces = Cache::builder()
            .max_capacity(CALLERS)
            .time_to_idle(REMEMBERED)
            .build();
        Self { turns, paces }
    }

    /// Does the work in turns, or none of it. Nobody but a claimant needs turns.
    ///
    /// # Errors
    /// When too many steps of the claimant wait, or its turn has not come in time.
    pub(crate) async fn run<F: Future>(
        &self,
        claimant: Option<Claimant>,
        work: F,
    ) -> Result<F::Output, ServerError> {
        let Some(claimant) = claimant else {
            return Ok(work.await);
        };
        let pace = self.paces.get(&claimant);
        let pace = pace.unwrap_or_else(|| self.paces.get_with(claimant, Arc::default));
        let _under_way = pace.enter();
        let mut work = pin!(work);
        let mut turn = self.take(claimant, &pace).await.map_err(|_| crowded())?;
        loop {
            let began = Instant::now();
            let step = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
            pace.note(began.elapsed());
            drop(turn);
            if let Poll::Ready(output) = step {
                return Ok(output);
            }
            // Whatever the work waits for wakes this task.
            let mut is_woken = false;
            poll_fn(|_| match std::mem::replace(&mut is_woken, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })
            .await;
            // What has begun goes on, with or without a turn.
            turn = self.take(claimant, &pace).await.ok().flatten();
        }
    }

    /// Takes a turn for one step, if the claimant needs one.
    async fn take(&self, claimant: Claimant, pace: &Pace) -> Result<Option<Turn>, Crowded> {
        match pace.is_light() {
            true => Ok(None),
            false => self.turns.take_for(claimant).await.map(Some),
        }
    }
}

/// What a caller has under way, and how long a step of it takes lately.
struct Pace {
    operations: AtomicU64,
    step_ns: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            operations: AtomicU64::new(0),
            // Who is not known yet takes turns.
            step_ns: AtomicU64::new(nanoseconds(MOMENT)),
        }
    }
}

impl Pace {
    fn enter(&self) -> UnderWay<'_> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    fn is_light(&self) -> bool {
        let operations = self.operations.load(Ordering::Relaxed);
        let step = self.step_ns.load(Ordering::Relaxed);
        operations.saturating_mul(step) < nanoseconds(MOMENT)
    }

    /// Counts a step. Of two at once one may be forgotten.
    fn note(&self, took: Duration) {
        let before = self.step_ns.load(Ordering::Relaxed);
        let mean = (before / 8 * 7).saturating_add(nanoseconds(took) / 8);
        self.step_ns.store(mean, Ordering::Relaxed);
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// An operation of a caller, until it is dropped.
struct UnderWay<'a>(&'a Pace);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.operations.fetch_sub(1, Ordering::Relaxed);
    }
}

fn crowded() -> ServerError {
    let message = "There is too much work for you at once; try again later";
    with(typed(Code::RateLimited, message), RETRY_AFTER_SECONDS, 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    /// One caller keeps its share of the processors busy, and has a thousand steps waiting; another one is served at once.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whoever_comes_does_not_wait_behind_all_of_anothers_work() {
        let shares = Arc::new(Shares::default());
        let claimant = |number: u8| Some(Claimant::Network([192, 0, 2, number].into()));
        let busy: Vec<_> = (0..200)
            .map(|_| {
                let shares = shares.clone();
                tokio::spawn(async move {
                    let work = async {
                        for _ in 0..5 {
                            std::thread::sleep(Duration::from_millis(2));
                            tokio::task::yield_now().await;
                        }
                    };
                    shares.run(claimant(1), work).await
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let began = Instant::now();
        let other = shares.run(claimant(2), async { 7 }).await;
        let waited = began.elapsed();
        assert_eq!(other.ok(), Some(7));
        assert!(busy.iter().any(|task| !task.is_finished()));
        for task in busy {
            assert!(task.await.expect("an end").is_ok());
        }
        let all = began.elapsed();
        assert!(waited < all / 4, "{waited:?} of {all:?}");
    }

    #[tokio::test]
    async fn too_much_of_one_is_refused_before_it_begins_and_what_has_begun_goes_on() {
        let shares = Shares::new(Turns::new(1, 1, Duration::from_millis(50)));
        let claimant = Claimant::Network([192, 0, 2, 1].into());
        let me = Some(claimant);
        let take = || shares.turns.take_for(claimant);
        let held = take().await.expect("a turn");
        let refused = shares.run(me, async { 7 }).await.err();
        assert_eq!(
            refused.and_then(|it| crate::errors::retry_after(&it)),
            Some(1)
        );
        assert_eq!(shares.run(None, async { 7 }).await.ok(), Some(7));
        drop(held);
        let (begin, begun) = tokio::sync::oneshot::channel();
        let work = async {
            let _ = begin.send(());
            tokio::task::yield_now().await;
            8
        };
        // The turn is taken between two steps, and kept.
        let another = async {
            begun.await.expect("a beginning");
            take().await
        };
        let (done, taken) = tokio::join!(shares.run(me, work), another);
        assert!(taken.is_ok());
        assert_eq!(done.ok(), Some(8));
    }

    /// Light work does not wait for turns, and one heavy step is enough to need them again.
    #[tokio::test]
    async fn whoever_holds_up_nobody_needs_no_turns() {
        let shares = Shares::new(Turns::new(1, 1, Duration::from_millis(50)));
        let claimant = Claimant::Network([192, 0, 2, 1].into());
        for _ in 0..100 {
            assert_eq!(shares.run(Some(claimant), async { 7 }).await.ok(), Some(7));
        }
        let _held = shares.turns.take_for(claimant).await.expect("a turn");
        assert_eq!(shares.run(Some(claimant), async { 7 }).await.ok(), Some(7));
        let heavy = async { std::thread::sleep(MOMENT * 10) };
        assert!(shares.run(Some(claimant), heavy).await.is_ok());
        assert!(shares.run(Some(claimant), async { 7 }).await.is_err());
    }
}
