//! What seldom has anything to do, and is waited for beside others that often have: it is polled when it was woken itself, and not whenever
//! its task is. Called by `websocket` and `live`.
//!
//! No wake-up is lost. A wake-up raises the flag, and then wakes the task if its waker is there. Who polls takes the flag down first, so a
//! wake-up after that raises it again. The waker is left only when the flag is down, and the flag is looked at once more behind it: so
//! either that look sees the flag, or the wake-up finds the waker.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::future::BoxFuture;
use futures::task::AtomicWaker;

/// How often something is polled again at once that was woken while it was polled. A set of futures wakes its task each time that it has
/// polled all of them, and then has nothing to do: that costs less than another turn of the task.
const AGAIN: usize = 2;

/// The wake-ups of what is polled with it.
pub(crate) struct WakeUps {
    noted: Arc<Noted>,
    waker: Waker,
}

struct Noted {
    is_woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Noted {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}

impl WakeUps {
    pub(crate) fn new() -> Self {
        let noted = Arc::new(Noted {
            is_woken: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        Self {
            waker: noted.clone().into(),
            noted,
        }
    }

    /// Has it polled at the next poll, as when there is more to poll, or more that may be ready.
    pub(crate) fn note(&self) {
        self.noted.is_woken.store(true, Ordering::SeqCst);
    }

    /// Polls what was woken since it was last pending.
    pub(crate) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        for _ in 0..=AGAIN {
            while !self.noted.is_woken.swap(false, Ordering::SeqCst) {
                self.noted.task.register(cx.waker());
                if !self.noted.is_woken.load(Ordering::SeqCst) {
                    return Poll::Pending;
                }
            }
            // The task is at work, so nobody has to wake it.
            drop(self.noted.task.take());
            let polled = poll(&mut Context::from_waker(&self.waker));
            if polled.is_ready() {
                self.note();
                return polled;
            }
        }
        self.note();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A future that is polled when it was woken.
pub(crate) struct Dormant<T> {
    future: BoxFuture<'static, T>,
    wake_ups: WakeUps,
}

impl<T> Dormant<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            future: Box::pin(future),
            wake_ups: WakeUps::new(),
        }
    }
}

impl<T> Future for Dormant<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Self { future, wake_ups } = &mut *self;
        wake_ups.poll(cx, |cx| future.as_mut().poll(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use futures::future::poll_fn;
    use futures::stream::{FuturesUnordered, StreamExt};
    use futures::{FutureExt, poll};
    use tokio::sync::{Notify, oneshot};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn it_is_polled_when_it_was_woken_and_ends() {
        let (notify, polls) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
        let mut dormant = {
            let (notify, polls) = (notify.clone(), polls.clone());
            let mut waiting = Box::pin(async move { notify.notified().await });
            Dormant::new(poll_fn(move |cx| {
                polls.fetch_add(1, Ordering::Relaxed);
                waiting.as_mut().poll(cx)
            }))
        };
        for _ in 0..100 {
            assert!(poll!(&mut dormant).is_pending());
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1);
        notify.notify_one();
        assert!(poll!(&mut dormant).is_ready());
        assert_eq!(polls.load(Ordering::Relaxed), 2);
    }

    struct Counting(AtomicUsize);

    impl Wake for Counting {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A set that wakes itself whenever it has polled everything does not wake its task, and is heard when something in it ends.
    #[test]
    fn a_set_of_futures_costs_its_task_no_second_turn() {
        let woken = Arc::new(Counting(AtomicUsize::new(0)));
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let (send, receive) = oneshot::channel();
        let mut set = FuturesUnordered::from_iter([receive]);
        let wake_ups = WakeUps::new();
        let mut next = |cx: &mut Context<'_>| wake_ups.poll(cx, |cx| set.next().poll_unpin(cx));
        assert!(next(&mut cx).is_pending());
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);
        send.send(7).expect("it is waited for");
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert_eq!(next(&mut cx), Poll::Ready(Some(Ok(7))));
    }

    /// What never rests goes on, and lets others have their turns.
    #[test]
    fn whoever_wakes_itself_for_ever_is_polled_in_turns() {
        let woken = Arc::new(Counting(AtomicUsize::new(0)));
        let waker = Waker::from(woken.clone());
        let wake_ups = WakeUps::new();
        for turn in 1..=3 {
            let mut polls = 0;
            let polled: Poll<()> = wake_ups.poll(&mut Context::from_waker(&waker), |cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            });
            assert!(polled.is_pending());
            assert_eq!((polls, woken.0.load(Ordering::SeqCst)), (1 + AGAIN, turn));
        }
    }

    /// It is woken while it is polled, and by whichever task polled it last.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_up_is_lost() {
        for round in 0..20_000 {
            let (send, receive) = oneshot::channel();
            let mut dormant = Dormant::new(receive);
            if round % 2 == 0 {
                assert!(poll!(&mut dormant).is_pending());
            }
            let waiting = tokio::spawn(dormant);
            send.send(round).expect("it is waited for");
            let heard = timeout(Duration::from_secs(20), waiting).await;
            assert_eq!(heard.expect("a wake-up").expect("an end"), Ok(round));
        }
    }
}
