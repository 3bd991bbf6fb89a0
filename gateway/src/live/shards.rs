//! The frames of a group, for any number of members, who are woken some at a time: so an event for thousands does not make everything else
//! queue behind all of them. A member belongs to one shard, which is a channel. The shards are visited by turns, the one that lacks most
//! first, and other tasks have a turn in between. A visit brings all that the shard lacks, so when events come faster than all members can
//! be woken for each, members are woken for several at once. Called by `group`.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::broadcast::{self, Receiver, Sender};

pub(super) struct Shards<T> {
    state: Mutex<State<T>>,
    /// The members that are woken at once.
    members: usize,
    /// The frames that each shard keeps for members that lag.
    kept: usize,
}

struct State<T> {
    shards: Vec<Shard<T>>,
    /// The frames that some shard lacks, in order.
    frames: VecDeque<T>,
    /// The number of the first of them.
    first: u64,
}

struct Shard<T> {
    sender: Sender<T>,
    /// The number of the first frame that it lacks.
    next: u64,
}

/// Whether there are frames that a shard lacks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lacking {
    Nothing,
    Something,
    /// So much that no frame should be added.
    Much,
}

impl<T: Clone> Shards<T> {
    pub(super) fn new(members: usize, kept: usize) -> Self {
        let state = State {
            shards: Vec::new(),
            frames: VecDeque::new(),
            first: 0,
        };
        Self {
            state: Mutex::new(state),
            members,
            kept,
        }
    }

    /// Adds a member; returns all frames that are added from now on. Some that were added before may be among them.
    pub(super) fn subscribe(&self) -> Receiver<T> {
        let mut state = self.state.lock();
        let has_room = |shard: &&Shard<T>| shard.sender.receiver_count() < self.members;
        // Usually it is the last one.
        if let Some(shard) = state.shards.iter().rev().find(has_room) {
            return shard.sender.subscribe();
        }
        let (sender, receiver) = broadcast::channel(self.kept);
        let next = state.end();
        state.shards.push(Shard { sender, next });
        receiver
    }

    /// Adds a frame, which the shards get when they are visited.
    pub(super) fn add(&self, frame: T) {
        self.state.lock().frames.push_back(frame);
    }

    /// Visits one shard; returns whether another one lacks something. Nobody may be listening at the moment.
    pub(super) fn visit(&self) -> bool {
        self.state.lock().visit()
    }

    pub(super) fn lacking(&self) -> Lacking {
        match self.state.lock().frames.len() {
            0 => Lacking::Nothing,
            // A visit must not bring more than a shard keeps.
            frames if frames < (self.kept / 4).max(2) => Lacking::Something,
            _ => Lacking::Much,
        }
    }

    /// Sends everything, and a last frame, to all members at once.
    pub(super) fn end(&self, frame: &T) {
        let mut state = self.state.lock();
        while state.visit() {}
        for shard in &state.shards {
            let _ = shard.sender.send(frame.clone());
        }
    }
}

impl<T: Clone> State<T> {
    /// Returns the number of the next frame.
    fn end(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    fn visit(&mut self) -> bool {
        let end = self.end();
        if let Some(shard) = self.shards.iter_mut().min_by_key(|shard| shard.next) {
            for frame in self.frames.range((shard.next - self.first) as usize..) {
                let _ = shard.sender.send(frame.clone());
            }
            shard.next = end;
        }
        let needed = self.shards.iter().map(|shard| shard.next).min();
        let needed = needed.unwrap_or(end);
        self.frames.drain(..(needed - self.first) as usize);
        self.first = needed;
        let is_over = self.frames.is_empty();
        if is_over {
            self.tidy();
        }
        !is_over
    }

    /// Forgets shards at the end that nobody belongs to any more, but for the first.
    fn tidy(&mut self) {
        while self.shards.len() > 1
            && self
                .shards
                .last()
                .is_some_and(|shard| shard.sender.receiver_count() == 0)
        {
            self.shards.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    const SHARD_MEMBERS: usize = 128;
    const MEMBERS: usize = 1_000;
    const FRAMES: usize = 20;

    #[tokio::test]
    async fn all_hear_everything_in_order_and_others_run_in_between() {
        let shards = Arc::new(Shards::new(SHARD_MEMBERS, FRAMES));
        let heard = Arc::new(AtomicUsize::new(0));
        let members: Vec<_> = (0..MEMBERS)
            .map(|_| {
                let (mut frames, heard) = (shards.subscribe(), heard.clone());
                tokio::spawn(async move {
                    for expected in 0..FRAMES {
                        assert_eq!(frames.recv().await, Ok(expected));
                        heard.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        yield_now().await;
        let sending = tokio::spawn({
            let shards = shards.clone();
            async move {
                for frame in 0..FRAMES {
                    shards.add(frame);
                    while shards.visit() {
                        yield_now().await;
                    }
                }
            }
        });
        let (mut before, mut most) = (0, 0);
        while heard.load(Ordering::SeqCst) < MEMBERS * FRAMES {
            yield_now().await;
            let now = heard.load(Ordering::SeqCst);
            most = most.max(now - before);
            before = now;
        }
        sending.await.expect("all is sent");
        for member in join_all(members).await {
            member.expect("it heard everything");
        }
        assert!(most <= 2 * SHARD_MEMBERS, "{most} at once");
        shards.add(FRAMES);
        while shards.visit() {}
        let left = shards.state.lock().shards.len();
        assert_eq!(left, 1, "what nobody needs is gone");
    }

    /// Frames that are added between visits reach each shard together, and whoever comes in between misses none that is added later.
    #[test]
    fn what_comes_meanwhile_is_brought_by_the_same_visit() {
        let shards = Shards::new(SHARD_MEMBERS, 16);
        let mut members: Vec<_> = (0..=SHARD_MEMBERS * 2)
            .map(|_| shards.subscribe())
            .collect();
        assert_eq!(shards.lacking(), Lacking::Nothing);
        shards.add(1);
        assert!(shards.visit(), "two lack it");
        assert_eq!(shards.lacking(), Lacking::Something);
        shards.add(2);
        let mut late = shards.subscribe();
        shards.add(3);
        let mut visits = 0;
        while shards.visit() {
            visits += 1;
        }
        assert_eq!(
            visits, 2,
            "the first shard once more, and each other one once"
        );
        for member in &mut members {
            assert_eq!([1, 2, 3].map(Ok), [(); 3].map(|()| member.try_recv()));
        }
        let heard: Vec<_> = std::iter::from_fn(|| late.try_recv().ok()).collect();
        assert!(heard.ends_with(&[3]), "{heard:?}");
        for frame in 0..4 {
            shards.add(frame);
        }
        assert_eq!(shards.lacking(), Lacking::Much);
        shards.end(&9);
        let heard: Vec<_> = std::iter::from_fn(|| members[0].try_recv().ok()).collect();
        assert_eq!(heard, [0, 1, 2, 3, 9], "the last one comes last");
    }
}
