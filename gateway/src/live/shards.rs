//! The frames of a group, for any number of members, who are woken some at a time: so an event for thousands does not make everything else
//! queue behind all of them. A member belongs to one shard, which is a channel; each frame is sent to one shard after the other, and other
//! tasks have a turn in between. Called by `group`.

use parking_lot::Mutex;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio::task::yield_now;

/// The members that are woken at once.
const SHARD_MEMBERS: usize = 128;

pub(super) struct Shards<T> {
    shards: Mutex<Vec<Sender<T>>>,
    /// The frames that each keeps for members that lag.
    kept: usize,
}

impl<T: Clone> Shards<T> {
    pub(super) fn new(kept: usize) -> Self {
        Self {
            shards: Mutex::default(),
            kept,
        }
    }

    /// Adds a member; returns its frames from now on. Of a frame that is being sent it may receive nothing.
    pub(super) fn subscribe(&self) -> Receiver<T> {
        let mut shards = self.shards.lock();
        let has_room = |shard: &&Sender<T>| shard.receiver_count() < SHARD_MEMBERS;
        // Usually it is the last one.
        if let Some(shard) = shards.iter().rev().find(has_room) {
            return shard.subscribe();
        }
        let (shard, receiver) = broadcast::channel(self.kept);
        shards.push(shard);
        receiver
    }

    /// Sends a frame to all members. Nobody may be listening at the moment.
    pub(super) async fn send(&self, frame: T) {
        let mut sent = 0;
        while let Some(shard) = self.shard(sent) {
            let _ = shard.send(frame.clone());
            sent += 1;
            if self.shard(sent).is_some() {
                yield_now().await;
            }
        }
        self.tidy();
    }

    /// Sends the last frame to all members, at once.
    pub(super) fn end(&self, frame: &T) {
        for shard in self.shards.lock().iter() {
            let _ = shard.send(frame.clone());
        }
    }

    fn shard(&self, index: usize) -> Option<Sender<T>> {
        self.shards.lock().get(index).cloned()
    }

    /// Forgets shards at the end that nobody belongs to any more, but for the first.
    fn tidy(&self) {
        let mut shards = self.shards.lock();
        while shards.len() > 1
            && shards
                .last()
                .is_some_and(|shard| shard.receiver_count() == 0)
        {
            shards.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    const MEMBERS: usize = 1_000;
    const FRAMES: usize = 20;

    #[tokio::test]
    async fn all_hear_everything_in_order_and_others_run_in_between() {
        let shards = Arc::new(Shards::new(FRAMES));
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
                    shards.send(frame).await;
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
        shards.send(FRAMES).await;
        assert_eq!(shards.shards.lock().len(), 1, "what nobody needs is gone");
    }
}
