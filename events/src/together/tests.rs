//! The queue with groups that a test holds up, and lets go.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::{sync::Semaphore, task::JoinHandle, time::sleep};

use super::*;

/// A lane that is stuck after this time is not stuck in a test.
const NEVER: Duration = Duration::from_secs(600);
const TWO: Lanes = Lanes {
    usual: 2,
    most: 3,
    stuck_after: NEVER,
};
const ONE: Lanes = Lanes {
    usual: 1,
    most: 1,
    stuck_after: NEVER,
};
const PATIENT: Duration = Duration::from_secs(60);

/// A group that waits for permits before it commits; a member that is to fail makes it panic.
#[derive(Clone)]
struct Gate {
    permits: Arc<Semaphore>,
    begun: Arc<AtomicUsize>,
    sizes: Arc<Mutex<Vec<usize>>>,
}

const PANICS: u64 = u64::MAX;

impl Group for Gate {
    type Member = u64;
    type Answer = u64;

    fn commit(&self, members: Vec<(u64, Caller<u64>)>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            self.permits.acquire().await.expect("permits").forget();
            assert!(members.iter().all(|(member, _)| *member != PANICS));
            self.sizes.lock().push(members.len());
            for (member, caller) in members {
                caller.answer(member + 1_000);
            }
        })
    }
}

fn gate() -> Gate {
    Gate {
        permits: Arc::new(Semaphore::new(0)),
        begun: Arc::default(),
        sizes: Arc::default(),
    }
}

type Asked = JoinHandle<Result<u64>>;

fn ask(committer: &Arc<Committer<Gate>>, member: u64) -> Asked {
    let committer = committer.clone();
    tokio::spawn(async move { committer.commit(member).await })
}

async fn settled() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn answers(asked: Vec<Asked>) -> Vec<Option<u64>> {
    let answers = join_all(asked).await.into_iter();
    answers.map(|it| it.expect("a task").ok()).collect()
}

#[tokio::test]
async fn who_comes_first_goes_at_once_and_the_rest_goes_together() {
    let gate = gate();
    let committer = Arc::new(Committer::new(gate.clone(), TWO, PATIENT));
    let mut asked = Vec::new();
    for member in 0..2 {
        asked.push(ask(&committer, member));
        settled().await;
        assert_eq!(
            gate.begun.load(Ordering::SeqCst),
            member as usize + 1,
            "at once"
        );
    }
    asked.extend((2..30).map(|member| ask(&committer, member)));
    settled().await;
    assert_eq!(gate.begun.load(Ordering::SeqCst), 2, "the others wait");
    gate.permits.add_permits(3);
    let expected: Vec<_> = (0..30).map(|member| Some(member + 1_000)).collect();
    assert_eq!(answers(asked).await, expected);
    let mut sizes = gate.sizes.lock().clone();
    sizes.sort();
    assert_eq!(sizes, [1, 1, 28]);
}

#[tokio::test]
async fn a_group_is_bounded() {
    let gate = gate();
    let committer = Arc::new(Committer::new(gate.clone(), ONE, PATIENT));
    let first = ask(&committer, 0);
    settled().await;
    let asked = (1..=MOST_MEMBERS as u64 + 5).map(|member| ask(&committer, member));
    let asked = asked.collect();
    settled().await;
    gate.permits.add_permits(3);
    answers(vec![first]).await;
    assert!(answers(asked).await.iter().all(Option::is_some));
    assert_eq!(*gate.sizes.lock(), [1, MOST_MEMBERS, 5]);
}

#[tokio::test]
async fn a_stuck_group_holds_up_nobody_and_no_more_lanes_than_allowed_begin() {
    let stuck_after = Duration::from_millis(50);
    let lanes = Lanes { stuck_after, ..TWO };
    let gate = gate();
    let committer = Arc::new(Committer::new(gate.clone(), lanes, PATIENT));
    let mut asked = Vec::new();
    for member in 0..4 {
        asked.push(ask(&committer, member));
        settled().await;
    }
    // Nobody else comes; those that wait notice.
    sleep(stuck_after * 3).await;
    assert_eq!(gate.begun.load(Ordering::SeqCst), 3);
    asked.push(ask(&committer, 4));
    sleep(stuck_after * 10).await;
    assert_eq!(gate.begun.load(Ordering::SeqCst), 3, "not more than three");
    gate.permits.add_permits(10);
    assert!(answers(asked).await.iter().all(Option::is_some));
    assert!(committer.shared.state.lock().lanes.is_empty());
}

#[tokio::test]
async fn who_waits_for_too_long_is_told_so_and_not_committed() {
    let gate = gate();
    let lanes = ONE;
    let committer = Arc::new(Committer::new(
        gate.clone(),
        lanes,
        Duration::from_millis(300),
    ));
    let first = ask(&committer, 0);
    settled().await;
    let late = ask(&committer, 1);
    let left = ask(&committer, 2);
    settled().await;
    // Its caller goes away, so nobody withdraws it.
    left.abort();
    let refused = late.await.expect("a task");
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    gate.permits.add_permits(10);
    assert_eq!(answers(vec![first]).await, [Some(1_000)], "it was begun");
    settled().await;
    assert_eq!(*gate.sizes.lock(), [1]);
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nothing_back() {
    let gate = gate();
    let committer = Arc::new(Committer::new(gate.clone(), ONE, PATIENT));
    let asked: Vec<_> = (0..5).map(|member| ask(&committer, member)).collect();
    settled().await;
    asked.iter().for_each(JoinHandle::abort);
    gate.permits.add_permits(10);
    settled().await;
    assert_eq!(gate.sizes.lock().iter().sum::<usize>(), 5);
}

#[tokio::test]
async fn a_group_that_panics_ends_nobody_elses() {
    let gate = gate();
    let committer = Arc::new(Committer::new(gate.clone(), ONE, PATIENT));
    let poisoned = ask(&committer, PANICS);
    settled().await;
    let asked = (1..4).map(|member| ask(&committer, member)).collect();
    settled().await;
    gate.permits.add_permits(2);
    let poisoned = poisoned.await.expect("a task");
    assert!(matches!(poisoned, Err(Error::Task(_))), "{poisoned:?}");
    assert_eq!(
        answers(asked).await,
        [Some(1_001), Some(1_002), Some(1_003)]
    );
}
