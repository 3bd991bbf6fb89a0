//! Bounds what callers hold while they listen or wait: subscriptions, the memory of their documents and of what is on its way to them, and
//! reads that wait for written events. Each is bounded by user, by network and in total, so nobody uses up what others need.

use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::ServerError;
use bytes::Bytes;
use clap::Args;
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
/// The bytes of the frames that are kept for those members of a group who lag. Who misses one reads the log.
const MOST_OF_GROUP: usize = 4 * 1024 * 1024;
/// What a slow subscriber may cost, whatever others of the same holder do.
const LARGE_FRAME: usize = 64 * 1024;
/// How long a larger frame waits for room: longer than a client that reads nothing is borne with. And how often it looks.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(50);
/// The limits on reads that wait at once. Each ends at its time limit.
const WAITING: Most = Most {
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
    waiting: Budget,
}

impl Holdings {
    pub(super) fn new(settings: &SubscriptionSettings) -> Self {
        let subscriptions = Most {
            in_all: settings.max_subscriptions,
            by_user: settings.max_subscriptions_per_user,
            by_network: settings.max_subscriptions_per_address,
        };
        let bytes = Most {
            in_all: settings.max_subscription_bytes,
            by_user: settings.max_subscription_bytes.div_ceil(8),
            by_network: settings.max_subscription_bytes.div_ceil(2),
        };
        Self {
            subscriptions: Budget::new("subscriptions", subscriptions),
            bytes: Budget::new("bytes of subscriptions", bytes),
            waiting: Budget::new("reads that wait for what was written", WAITING),
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
            execution,
            _counted: METRICS.subscribe(kind),
        })
    }

    /// Returns an empty share of the caller's, for what is kept of a live query's answers.
    pub(super) fn of_answers(&self, caller: &Caller) -> Share {
        self.bytes.share(holders(caller))
    }

    /// Takes another waiting read for the caller.
    pub(super) fn wait(&self, caller: &Caller) -> Result<Share, ServerError> {
        let mut place = self.waiting.share(holders(caller));
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

    /// Returns what counts the frames of an execution: for a group, which keeps some of them, or for this subscriber alone.
    pub(super) fn of_frames(&self, for_group: bool) -> Frames {
        Frames {
            share: self.bytes.another(),
            of_group: for_group.then(Arc::default),
        }
    }
}

/// Counts frames for as long as anybody holds them.
pub(super) struct Frames {
    share: Share,
    /// The bytes of a group's frames; `None` for one subscriber, who holds one frame at a time.
    of_group: Option<Arc<AtomicUsize>>,
}

/// A frame that is counted.
struct Counted {
    frame: Vec<u8>,
    _share: Share,
    of_group: Option<Arc<AtomicUsize>>,
}

impl Frames {
    pub(super) const fn are_of_group(&self) -> bool {
        self.of_group.is_some()
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
        let mut share = self.share.another();
        match &self.of_group {
            Some(kept) => {
                let before = kept.load(Ordering::Relaxed);
                if before > 0 && before.saturating_add(bytes) > MOST_OF_GROUP {
                    return Err(Spent::ByHolder("bytes of subscriptions"));
                }
                share.grow(bytes)?;
                kept.fetch_add(bytes, Ordering::Relaxed);
            }
            None if bytes <= LARGE_FRAME => share.set(bytes),
            None => grow_in_time(&mut share, bytes).await?,
        }
        Ok(Bytes::from_owner(Counted {
            frame,
            _share: share,
            of_group: self.of_group.clone(),
        }))
    }
}

async fn grow_in_time(share: &mut Share, bytes: usize) -> Result<(), Spent> {
    let until = Instant::now() + PATIENCE;
    loop {
        match share.grow(bytes) {
            Err(_) if Instant::now() < until => sleep(LOOK).await,
            outcome => return outcome,
        }
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(kept) = &self.of_group {
            kept.fetch_sub(self.frame.len(), Ordering::Relaxed);
        }
    }
}
