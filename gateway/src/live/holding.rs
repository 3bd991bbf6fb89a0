//! Bounds what callers hold while they listen or wait: subscriptions, the memory of their documents, and reads that wait for written
//! events. Each is bounded by user, by network and in total, so nobody uses up what others need.

use std::mem::size_of;

use async_graphql::ServerError;
use clap::Args;

use super::caller::Caller;
use crate::budget::{Budget, Holder, Most, Share, Spent};
use crate::metrics::{Kind, METRICS, Subscribed};
use crate::numbers;

/// The memory of an executed document, as a multiple of its text.
const PARSED_FACTOR: usize = 90;
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
    /// Maximum memory for the documents and variables of subscriptions, in bytes, estimated; one address may use half, one user an eighth
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

    /// Takes another subscription for the caller, with a document and variables of this length.
    pub(super) fn subscribe(
        &self,
        caller: &Caller,
        kind: Kind,
        (document, variables): (usize, usize),
    ) -> Result<Holding, ServerError> {
        let holders = holders(caller);
        let mut place = self.subscriptions.share(holders);
        place.grow(1).map_err(Spent::into_error)?;
        let mut bytes = self.bytes.share(holders);
        let execution = document.saturating_mul(PARSED_FACTOR);
        // There must also be room for an execution, which is counted while there is one.
        let kept = document + variables * 2 + size_of::<Self>();
        bytes.grow(kept + execution).map_err(Spent::into_error)?;
        bytes.set(kept);
        Ok(Holding {
            _place: place,
            bytes,
            execution,
            _counted: METRICS.subscribe(kind),
        })
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
}
