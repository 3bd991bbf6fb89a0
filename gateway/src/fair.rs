//! Fair shares of the processor: a document is read, and each step of an operation is done, in a turn of its caller, of whom there may be as
//! many at once as there are processors but one. However much one caller asks for, another's step waits for the steps under way at most, and
//! not behind everything that the first has queued. A step lasts until the operation has to wait for something, so no turn is held meanwhile.
//! Called by `app`.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use async_graphql::ServerError;
use events::{Claimant, Turn, Turns};
use tokio::runtime::Handle;

use crate::errors::{Code, RETRY_AFTER_SECONDS, typed, with};

/// How long a step may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many steps of one caller may wait: of all who come back at once from one address, none is refused.
const ROOM: usize = 20_000;

/// The turns of one process.
pub(crate) struct Shares(Turns);

impl Default for Shares {
    fn default() -> Self {
        // Outside of a runtime nothing is executed.
        let threads = Handle::try_current().map_or(2, |handle| handle.metrics().num_workers());
        let threads = threads.max(2);
        Self(Turns::new(threads, threads - 1, PATIENCE).with_room(ROOM))
    }
}

impl Shares {
    /// Takes a turn for one step. Nobody but a claimant needs one.
    pub(crate) async fn take(
        &self,
        claimant: Option<Claimant>,
    ) -> Result<Option<Turn>, ServerError> {
        let Some(claimant) = claimant else {
            return Ok(None);
        };
        let turn = self.0.take_for(claimant).await;
        turn.map(Some).map_err(|_| crowded())
    }

    /// Does the work in turns, or none of it.
    pub(crate) async fn run<F: Future>(
        &self,
        claimant: Option<Claimant>,
        work: F,
    ) -> Result<F::Output, ServerError> {
        let mut work = pin!(work);
        let mut turn = self.take(claimant).await?;
        loop {
            let step = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
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
            turn = self.take(claimant).await.ok().flatten();
        }
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
        let shares = Shares(Turns::new(1, 1, Duration::from_millis(50)));
        let me = Some(Claimant::Network([192, 0, 2, 1].into()));
        let held = shares.take(me).await.expect("a turn");
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
            shares.take(me).await
        };
        let (done, taken) = tokio::join!(shares.run(me, work), another);
        assert!(taken.is_ok_and(|turn| turn.is_some()));
        assert_eq!(done.ok(), Some(8));
    }
}
