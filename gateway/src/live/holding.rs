//! Bounds what callers hold while they listen or wait: subscriptions, the memory of their documents and of what is on its way to them, and
//! reads that wait for written events. Each is bounded by user, by network and in total, so nobody uses up what others need. What a group
//! keeps is a part of what one of its members may hold, whoever has room for it.

use std::collections::{HashSet, VecDeque};
use std::mem::size_of;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_graphql::ServerError;
use bytes::Bytes;
use clap::Args;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

use super::caller::Caller;
use crate::budget::{Budget, Holder, Most, Share, Spent};
use crate::document::Plan;
use crate::metrics::{Kind, METRICS, Subscribed};
use crate::numbers;

/// The memory of an executed document, as a multiple of its text.
const PARSED_FACTOR: usize = 90;
/// Shorter frames are not counted: as many as a group keeps of them are 64 KiB.
const SMALL_FRAME: usize = 512;
const BYTES: &str = "bytes of subscriptions";
/// The bytes of the frames that are kept for those members of a group who lag. Who misses one reads the log.
const MOST_OF_GROUP: usize = 4 * 1024 * 1024;
/// What a slow subscriber may cost, whatever others of the same holder do.
const LARGE_FRAME: usize = 64 * 1024;
/// How long a larger frame waits for room: longer than a client that reads nothing is borne with. And the pauses between two looks.
const PATIENCE: Duration = Duration::from_secs(90);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// The part of the memory that such frames may take beside it, as they exist already; and the least of it.
const WAITING_PART: usize = 4;
const LEAST_WAITING: usize = 4 * 1024 * 1024;
/// The most callers in a group who are asked for room at once.
const MOST_ASKED: usize = 64;
/// The limits on reads that wait at once. Each ends at its time limit.
const READS: Most = Most {
    in_all: 2_048,
    by_user: 64,
    by_network: 512,
};

/// Settings of subscriptions.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Subscriptions")]
pub struct SubscriptionSettings {
    /// Maximum number of subscriptions
    #[arg(long, env = "MILLRACE_MAX_SUBSCRIPTIONS", default_value_t = 100_000, value_parser = numbers::within(numbers::COUNT))]
    pub max_subscriptions: usize,
    /// Maximum number of subscriptions of one user
    #[arg(long, env = "MILLRACE_MAX_SUBSCRIPTIONS_PER_USER", default_value_t = 5_000, value_parser = numbers::within(numbers::COUNT))]
    pub max_subscriptions_per_user: usize,
    /// Maximum number of subscriptions from one address, or from one /64 of IPv6
    #[arg(long, env = "MILLRACE_MAX_SUBSCRIPTIONS_PER_ADDRESS", default_value_t = 20_000, value_parser = numbers::within(numbers::COUNT))]
    pub max_subscriptions_per_address: usize,
    /// Maximum memory for the documents and variables of subscriptions and for what waits to be sent to them, in bytes, estimated; one address may use half, one user an eighth
    #[arg(long, env = "MILLRACE_MAX_SUBSCRIPTION_BYTES", default_value_t = 512 * 1024 * 1024, value_parser = numbers::within(numbers::COUNT))]
    pub max_subscription_bytes: usize,
}

/// What callers hold at present.
pub(super) struct Holdings {
    subscriptions: Budget,
    bytes: Budget,
    /// The frames that wait for some of these bytes.
    waiting: Budget,
    reads: Budget,
}

impl Holdings {
    pub(super) fn new(settings: &SubscriptionSettings) -> Self {
        let subscriptions = Most {
            in_all: settings.max_subscriptions,
            by_user: settings.max_subscriptions_per_user,
            by_network: settings.max_subscriptions_per_address,
        };
        let most = settings.max_subscription_bytes;
        let bytes = Most {
            in_all: most,
            by_user: most.div_ceil(8),
            by_network: most.div_ceil(2),
        };
        let part = |of: usize| (of / WAITING_PART).max(LEAST_WAITING);
        let waiting = Most {
            in_all: part(bytes.in_all),
            by_user: part(bytes.by_user),
            by_network: part(bytes.by_network),
        };
        Self {
            subscriptions: Budget::new("subscriptions", subscriptions),
            bytes: Budget::new(BYTES, bytes),
            waiting: Budget::new(BYTES, waiting),
            reads: Budget::new("reads that wait for what was written", READS),
        }
    }

    /// Takes another subscription for the caller, by this plan, with a document and variables of this length.
    pub(super) fn subscribe(
        &self,
        caller: &Caller,
        kind: Kind,
        plan: &Plan,
        (document, variables): (usize, usize),
    ) -> Result<Holding, ServerError> {
        let holders = holders(caller);
        let mut place = self.subscriptions.share(holders);
        place.grow(1).map_err(Spent::into_error)?;
        let mut bytes = self.bytes.share(holders);
        let execution = document.saturating_mul(PARSED_FACTOR).max(plan.size());
        // There must also be room for an execution, which is counted while there is one.
        let kept = document + variables * 2 + size_of::<Self>();
        bytes.grow(kept + execution).map_err(Spent::into_error)?;
        bytes.set(kept);
        let plan = plan.hold(bytes.another()).map_err(Spent::into_error)?;
        Ok(Holding {
            _place: place,
            _plan: plan,
            bytes,
            waiting: self.waiting.share(holders),
            execution,
            _counted: METRICS.subscribe(kind),
        })
    }

    /// Takes another waiting read for the caller.
    pub(super) fn wait(&self, caller: &Caller) -> Result<Share, ServerError> {
        let mut place = self.reads.share(holders(caller));
        place.grow(1).map_err(Spent::into_error)?;
        Ok(place)
    }
}

fn holders(caller: &Caller) -> [Option<Holder>; 2] {
    let user = caller.user.user_id().map(Holder::User);
    [user, caller.address.map(Holder::network)]
}

/// What a subscription holds as long as it lasts.
pub(super) struct Holding {
    _place: Share,
    /// The memory of the plan, which others may hold, too.
    _plan: Arc<Share>,
    bytes: Share,
    /// Empty, as what makes others.
    waiting: Share,
    execution: usize,
    _counted: Subscribed,
}

impl Holding {
    /// Takes the memory of an execution of its document, for as long as that lasts.
    pub(super) fn of_execution(&self) -> Share {
        let mut share = self.bytes.another();
        share.set(self.execution);
        share
    }

    /// Returns what counts the frames of an execution for this subscriber alone.
    pub(super) fn of_frames(&self) -> Frames {
        Frames::OfOne {
            share: self.bytes.another(),
            waiting: self.waiting.another(),
        }
    }
}

/// The members of a group. What it keeps is counted as one member's: the same one, until that has left or has no more room.
#[derive(Default)]
pub(super) struct Members(Mutex<VecDeque<Weak<Holding>>>);

impl Members {
    /// Adds a member, who need not be a new one.
    pub(super) fn enter(&self, holding: &Arc<Holding>) {
        let mut members = self.0.lock();
        if members.len() == members.capacity() {
            let mut seen = HashSet::new();
            members.retain(|it| it.strong_count() > 0 && seen.insert(it.as_ptr()));
        }
        members.push_back(Arc::downgrade(holding));
    }

    /// Takes so many bytes of a member that has them.
    ///
    /// # Errors
    ///
    /// When none of those who were asked has so much room.
    pub(super) fn take(&self, bytes: usize) -> Result<Share, Spent> {
        let mut members = self.0.lock();
        let (mut refused, mut spent) = (Vec::new(), Spent::ByHolder(BYTES));
        for _ in 0..members.len() {
            let Some(member) = members.front().and_then(Weak::upgrade) else {
                members.pop_front();
                continue;
            };
            // A user may be there many times.
            let holders = *member.bytes.holders();
            if !refused.contains(&holders) {
                let mut share = member.bytes.another();
                match share.grow(bytes) {
                    Ok(()) => return Ok(share),
                    Err(_) if refused.len() == MOST_ASKED => break,
                    Err(its) => spent = its,
                }
                refused.push(holders);
            }
            members.rotate_left(1);
        }
        Err(spent)
    }
}

/// Counts frames for as long as anybody holds them.
pub(super) enum Frames {
    /// Those of a group, which keeps some of them for members that lag, and how many bytes these are.
    OfGroup {
        members: Arc<Members>,
        kept: Arc<AtomicUsize>,
    },
    /// Those of one subscriber, who holds one frame at a time.
    OfOne { share: Share, waiting: Share },
}

/// A frame that a group keeps.
struct Kept {
    frame: Box<[u8]>,
    kept: Arc<AtomicUsize>,
}

impl Frames {
    pub(super) fn of_group(members: &Arc<Members>) -> Self {
        Self::OfGroup {
            members: members.clone(),
            kept: Arc::default(),
        }
    }

    pub(super) const fn are_of_group(&self) -> bool {
        matches!(self, Self::OfGroup { .. })
    }

    /// Counts a frame until its last copy is gone. For one subscriber a frame that is not large always has room, as documented, and a large
    /// one waits for it: what takes the room is read, or its client is disconnected. A group waits for nobody.
    ///
    /// # Errors
    ///
    /// When there is no room.
    pub(super) async fn count(&self, frame: Vec<u8>) -> Result<Bytes, Spent> {
        let bytes = frame.len();
        if bytes <= SMALL_FRAME {
            return Ok(frame.into());
        }
        // It was written into more than it takes.
        let frame = frame.into_boxed_slice();
        match self {
            Self::OfGroup { members, kept } => {
                let before = kept.load(Ordering::Relaxed);
                if before > 0 && before.saturating_add(bytes) > MOST_OF_GROUP {
                    return Err(Spent::ByHolder(BYTES));
                }
                // As much is left for what members read by themselves: it would wait for frames that they take only behind it.
                let mut share = members.take(bytes * 2)?;
                share.set(bytes);
                kept.fetch_add(bytes, Ordering::Relaxed);
                let kept = kept.clone();
                Ok(share.count(Kept { frame, kept }))
            }
            Self::OfOne { share, waiting } => {
                let mut share = share.another();
                if bytes > LARGE_FRAME && share.grow(bytes).is_err() {
                    grow_in_time(&mut share, waiting.another(), bytes).await?;
                }
                Ok(share.count(frame))
            }
        }
    }
}

/// Waits for room for a frame, which is counted among those that wait.
async fn grow_in_time(share: &mut Share, mut waiting: Share, bytes: usize) -> Result<(), Spent> {
    waiting.grow(bytes)?;
    let until = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        sleep(pause).await;
        match share.grow(bytes) {
            Err(_) if Instant::now() < until => pause = (pause * 2).min(LONGEST_PAUSE),
            outcome => return outcome,
        }
    }
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.kept.fetch_sub(self.frame.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
