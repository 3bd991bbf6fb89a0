//! The queue with groups that a test holds up, and lets go.

use futures::future::join_all;
use tokio::{sync::Semaphore, task::JoinHandle, time::sleep};

use super::*;

/// No group is slow in a test that does not mean it.
const NEVER: Duration = Duration::from_secs(600);
const BOUNDS: Bounds = Bounds {
    members: 40,
    slow_after: NEVER,
    most_slow: 2,
    patience: NEVER,
};
const PANICS: u64 = u64::MAX;

/// A group that waits for a permit before it answers; with one of its members it panics.
#[derive(Clone)]
struct Gate {
    permits: Arc<Semaphore>,
    sizes: Arc<Mutex<Vec<usize>>>,
}

impl Group for Gate {
    type Member = u64;
    type Answer = u64;
    const NAME: &'static str = "test";

    fn run(&self, members: Members<Self>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.sizes.lock().push(members.len());
            self.permits.acquire().await.expect("permits").forget();
            if members.iter().any(|(member, _)| *member == PANICS) {
                // It bypasses the hook, which would print it.
                std::panic::resume_unwind(Box::new("as it should"));
            }
            for (member, caller) in members {
                caller.answer(member + 1_000);
            }
        })
    }
}

struct Queue {
    gate: Gate,
    together: Together<Gate>,
}

impl Queue {
    fn new(bounds: Bounds) -> Self {
        let gate = Gate {
            permits: Arc::new(Semaphore::new(0)),
            sizes: Arc::default(),
        };
        let together = Together::new(gate.clone(), bounds);
        Self { gate, together }
    }

    fn ask(&self, member: u64) -> JoinHandle<Result<u64>> {
        tokio::spawn(self.together.ask(member))
    }

    /// The sizes of the groups that have begun, once there are so many.
    async fn sizes(&self, count: usize) -> Vec<usize> {
        while self.gate.sizes.lock().len() < count {
            sleep(Duration::from_millis(1)).await;
        }
        self.gate.sizes.lock().clone()
    }
}

async fn answers(asked: impl IntoIterator<Item = JoinHandle<Result<u64>>>) -> Vec<Option<u64>> {
    let answers = join_all(asked).await.into_iter();
    answers.map(|it| it.expect("a task").ok()).collect()
}

#[tokio::test]
async fn who_comes_first_goes_at_once_and_the_rest_goes_together() {
    let queue = Queue::new(BOUNDS);
    let first = queue.ask(0);
    assert_eq!(queue.sizes(1).await, [1], "at once");
    let others: Vec<_> = (1..30).map(|member| queue.ask(member)).collect();
    queue.gate.permits.add_permits(2);
    let expected: Vec<_> = (0..30).map(|member| Some(member + 1_000)).collect();
    assert_eq!(answers([first].into_iter().chain(others)).await, expected);
    assert_eq!(queue.sizes(2).await, [1, 29]);
}

#[tokio::test]
async fn a_group_is_bounded() {
    let queue = Queue::new(BOUNDS);
    let first = queue.ask(0);
    queue.sizes(1).await;
    let others: Vec<_> = (0..45).map(|member| queue.ask(member)).collect();
    queue.gate.permits.add_permits(3);
    assert_eq!(answers([first]).await.len(), 1);
    assert!(answers(others).await.iter().all(Option::is_some));
    assert_eq!(queue.sizes(3).await, [1, 40, 5]);
}

#[tokio::test]
async fn nobody_waits_behind_all_that_another_asks_for() {
    let [one, other] = [1, 2].map(|it| Claimant::User(uuid::Uuid::from_u128(it)));
    let queue = Queue::new(Bounds {
        members: 4,
        ..BOUNDS
    });
    let first = queue.ask(0);
    queue.sizes(1).await;
    let ask = |claimant: Claimant, member| {
        let together = queue.together.clone();
        tokio::spawn(claimant.claim(async move { together.ask(member).await }))
    };
    let many: Vec<_> = (1..=20).map(|member| ask(one, member)).collect();
    while queue.together.0.state.lock().waiting.len() < 20 {
        sleep(Duration::from_millis(1)).await;
    }
    let mut late = ask(other, 21);
    while queue.together.0.state.lock().waiting.len() < 21 {
        sleep(Duration::from_millis(1)).await;
    }
    queue.gate.permits.add_permits(2);
    assert_eq!(answers([first]).await, [Some(1_000)]);
    let answered = timeout(Duration::from_secs(5), &mut late).await;
    let answered = answered.expect("it is in the next group").expect("a task");
    assert_eq!(answered.ok(), Some(1_021));
    queue.gate.permits.add_permits(100);
    let expected: Vec<_> = (1..=20).map(|member| Some(member + 1_000)).collect();
    assert_eq!(answers(many).await, expected);
    let sizes = queue.sizes(7).await;
    assert_eq!(sizes, [1, 4, 4, 4, 4, 4, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_task_asks_for_before_it_yields_is_one_group() {
    let queue = Queue::new(BOUNDS);
    queue.gate.permits.add_permits(100);
    for items in [1, 5, 40] {
        let asked = (0..items).map(|member| {
            // The rest is asked for long after the first.
            std::thread::sleep(Duration::from_micros(200));
            queue.together.ask_with_others(member)
        });
        assert_eq!(join_all(asked).await.len(), items as usize);
        assert_eq!(queue.gate.sizes.lock().pop(), Some(items as usize));
        assert!(queue.gate.sizes.lock().is_empty());
    }
}

#[tokio::test]
async fn a_slow_group_holds_up_nobody_and_their_number_is_bounded() {
    let slow_after = Duration::from_millis(20);
    let queue = Queue::new(Bounds {
        slow_after,
        ..BOUNDS
    });
    let mut asked = Vec::new();
    for count in 1..=3 {
        asked.push(queue.ask(count));
        queue.sizes(count as usize).await;
    }
    asked.push(queue.ask(4));
    sleep(slow_after * 5).await;
    assert_eq!(queue.sizes(3).await.len(), 3, "two aside, and one more");
    // As soon as one of the two has ended, the third steps aside for the fourth.
    queue.gate.permits.add_permits(1);
    queue.sizes(4).await;
    queue.gate.permits.add_permits(3);
    assert!(answers(asked).await.iter().all(Option::is_some));
    // The tasks end after their last answers.
    while queue.together.0.state.lock().slow > 0 || queue.together.0.state.lock().is_attended {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn who_waits_for_too_long_is_told_so_and_not_done() {
    let patience = Duration::from_millis(100);
    let queue = Queue::new(Bounds { patience, ..BOUNDS });
    let first = queue.ask(0);
    queue.sizes(1).await;
    // Its caller goes away, so nobody withdraws it.
    drop(queue.together.ask(1));
    let late = queue.together.ask(2).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    queue.gate.permits.add_permits(10);
    assert_eq!(answers([first]).await, [Some(1_000)], "it was begun");
    assert_eq!(answers([queue.ask(3)]).await, [Some(1_003)]);
    assert_eq!(queue.sizes(2).await, [1, 1]);
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nothing_back() {
    let queue = Queue::new(BOUNDS);
    queue.gate.permits.add_permits(10);
    (0..5).for_each(|member| drop(queue.together.ask(member)));
    assert_eq!(answers([queue.ask(5)]).await, [Some(1_005)]);
    assert_eq!(queue.sizes(1).await.iter().sum::<usize>(), 6);
}

#[tokio::test]
async fn a_group_that_panics_ends_nobody_elses() {
    let queue = Queue::new(BOUNDS);
    let poisoned = queue.ask(PANICS);
    queue.sizes(1).await;
    let others: Vec<_> = (1..4).map(|member| queue.ask(member)).collect();
    queue.gate.permits.add_permits(2);
    let poisoned = poisoned.await.expect("a task");
    assert!(matches!(poisoned, Err(Error::Task(_))), "{poisoned:?}");
    assert_eq!(
        answers(others).await,
        [Some(1_001), Some(1_002), Some(1_003)]
    );
}

/// A runtime that ends drops its tasks, and with them what they hold, while others still ask.
#[test]
fn a_runtime_that_ends_is_not_held_up() {
    let queue = Queue::new(BOUNDS);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let asking = (0..10).map(|member| queue.ask(member)).collect::<Vec<_>>();
        queue.sizes(1).await;
        drop(asking);
    });
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(runtime);
        ended.send(())
    });
    end.recv_timeout(Duration::from_secs(30)).expect("it ends");
}
