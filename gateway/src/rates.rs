//! Rate limits: what the operations of one user, and all those from one network, may cost in a minute. Every operation is paid for before
//! it is executed, and what is refused unread or as invalid costs what it took to find out. Called by `app` for all transports.
//!
//! Why this is safe to have on by default. A decision is made from memory and waits for nothing; Redis only brings what was spent at other
//! gateways (`shared`), so without it each gateway limits by itself, and nobody is refused because it is away. A gateway may let in what
//! was spent elsewhere within the last moment, which is owed afterwards. Memory is bounded: meters are a cache, from which those who spend
//! seldom are dropped first, and a network of IPv6 has one for its /64. An administrator is never refused: who must repair an installation
//! may be behind the address of who breaks it. Whether somebody is one is asked only when there is a refusal, so it costs nobody else.

mod meter;
mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_graphql::ServerError;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use clap::Args;
use events::SharedStore;
use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::sync::mpsc::Sender;

use crate::budget::Holder;
use crate::errors::{Code, RETRY_AFTER_SECONDS, typed, with};
use crate::numbers;
use meter::{Clock, Meter, Quota, WINDOW};

/// What it costs to answer anything at all, in fields of an answer.
const REQUEST: u64 = 10;
/// Bytes of a refused document that cost as much as one field.
const REFUSED_BYTES: usize = 64;
/// Meters in memory, of a few hundred bytes each.
const METERS: u64 = 100_000;
/// How long a refusal takes at most.
const REFUSAL: Duration = Duration::from_millis(250);
/// How often, in seconds, it is logged that an address is refused.
const WARNED: u64 = 60;
const MOST: u64 = 1_000_000_000_000;

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Settings of rate limits. What an operation costs is its complexity, and 10 for the request.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rate limits")]
pub struct RateSettings {
    /// Complexity that the operations of one user may have in a minute, and at once; each counts 10 more. 0 turns the limit off
    #[arg(long, env = "MILLRACE_MAX_COST_PER_USER", default_value_t = 1_200_000, value_parser = numbers::within(0..=MOST))]
    pub max_cost_per_user: u64,
    /// The same of one address, or one /64 of IPv6, for all users there and those who have not signed in. 0 turns the limit off
    #[arg(long, env = "MILLRACE_MAX_COST_PER_ADDRESS", default_value_t = 6_000_000, value_parser = numbers::within(0..=MOST))]
    pub max_cost_per_address: u64,
}

impl Default for RateSettings {
    fn default() -> Self {
        workers::settings::defaults()
    }
}

/// The rate limits of this process.
pub struct Rates {
    user: Option<Quota>,
    network: Option<Quota>,
    /// What clients are told of the limits of nobody, a user, a network, and both.
    policies: [Option<HeaderValue>; 4],
    meters: Cache<Holder, Arc<Meter>>,
    clock: Clock,
    others: Option<Sender<Payer>>,
    /// When a refused address was last logged.
    warned: AtomicU64,
}

/// Who pays for an operation: the user, and the network.
pub(crate) struct Account([Option<Payer>; 2]);

#[derive(Clone)]
struct Payer {
    holder: Holder,
    quota: Quota,
    meter: Arc<Meter>,
}

/// Why an operation is not executed now.
#[derive(Debug)]
pub(crate) struct Limited {
    whose: &'static str,
    quota: Quota,
    wait: Duration,
}

impl Rates {
    /// Creates the limits; with a store they hold for all gateways that share it.
    #[must_use]
    pub fn new(settings: &RateSettings, store: Option<SharedStore>) -> Self {
        let clock = Clock::new();
        let user = Quota::of(settings.max_cost_per_user);
        let network = Quota::of(settings.max_cost_per_address);
        Self {
            user,
            network,
            policies: [
                None,
                policy(user, None),
                policy(None, network),
                policy(user, network),
            ],
            meters: Cache::builder()
                .max_capacity(METERS)
                // By its own policy a full cache would refuse new ones, whose holders would then pay nothing.
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(WINDOW)
                .build(),
            clock,
            others: store.map(|store| shared::start(store, clock)),
            warned: AtomicU64::new(0),
        }
    }

    /// Returns the account of these holders.
    pub(crate) fn account(&self, holders: [Option<Holder>; 2]) -> Account {
        Account(holders.map(|holder| self.payer(holder?)))
    }

    fn payer(&self, holder: Holder) -> Option<Payer> {
        let quota = match holder {
            Holder::User(_) => self.user?,
            Holder::Network(_) => self.network?,
        };
        let meter = self.meters.get(&holder);
        let meter = meter.unwrap_or_else(|| self.meters.get_with(holder, Arc::default));
        Some(Payer {
            holder,
            quota,
            meter,
        })
    }

    /// Checks that anything at all can be spent, before a request is read.
    pub(crate) fn check(&self, account: &Account) -> Result<(), Limited> {
        self.wait(account, REQUEST)
    }

    /// Spends the price of an operation, if it is there.
    pub(crate) fn spend(&self, account: &Account, price: u64) -> Result<(), Limited> {
        let cost = price.saturating_add(REQUEST);
        self.wait(account, cost)?;
        self.charge(account, cost);
        Ok(())
    }

    /// Charges for a request that was refused after its document, of so many bytes, was read.
    pub(crate) fn charge_refused(&self, account: &Account, bytes: usize) {
        self.charge(account, REQUEST + (bytes / REFUSED_BYTES) as u64);
    }

    fn wait(&self, account: &Account, cost: u64) -> Result<(), Limited> {
        let now = self.clock.now();
        let waits = account.payers().map(|payer| Limited {
            whose: payer.whose(),
            quota: payer.quota,
            wait: payer.meter.wait(now, payer.quota, cost),
        });
        match waits.max_by_key(|limited| limited.wait) {
            Some(limited) if !limited.wait.is_zero() => Err(limited),
            _ => Ok(()),
        }
    }

    fn charge(&self, account: &Account, cost: u64) {
        let now = self.clock.now();
        for payer in account.payers() {
            payer.meter.spend(now, payer.quota, cost);
            if let Some(others) = &self.others
                && payer.meter.queue(now)
                && others.try_send(payer.clone()).is_err()
            {
                payer.meter.leave_queue();
            }
        }
    }

    /// Notes a refusal, and returns it as the client sees it. A refusal takes its time: who asks again at once waits for it.
    pub(crate) async fn refuse(&self, limited: &Limited) -> ServerError {
        tokio::time::sleep(limited.wait.min(REFUSAL)).await;
        self.refusal(limited)
    }

    fn refusal(&self, limited: &Limited) -> ServerError {
        let now = self.clock.now() / 1_000_000_000 + WARNED;
        let before = self.warned.load(Ordering::Relaxed);
        let is_address = limited.whose == ADDRESS;
        let may_warn = is_address && now.saturating_sub(before) >= WARNED;
        if may_warn && self.warned.swap(now, Ordering::Relaxed) == before {
            tracing::warn!(
                "the operations of an address are refused by --max-cost-per-address; if it is the address of a proxy, see \
                 --forwarded-addresses"
            );
        }
        let Limited { whose, quota, wait } = limited;
        let message = format!(
            "The operations of this {whose} cost more than {} a minute; try again later",
            quota.cost()
        );
        let error = typed(Code::RateLimited, message);
        with(error, RETRY_AFTER_SECONDS, seconds(*wait))
    }

    /// Tells a client what it may spend, in the fields of `draft-ietf-httpapi-ratelimit-headers-10`.
    pub(crate) fn tell(&self, account: &Account, headers: &mut HeaderMap) {
        let [user, network] = account.0.each_ref().map(Option::is_some);
        let Some(policy) = &self.policies[usize::from(user) | usize::from(network) << 1] else {
            return;
        };
        headers.insert(RATE_LIMIT_POLICY, policy.clone());
        let now = self.clock.now();
        let mut state = String::with_capacity(64);
        let mut number = itoa::Buffer::new();
        for payer in account.payers() {
            let (left, whole) = payer.meter.left(now, payer.quota);
            let begin = if state.is_empty() { "\"" } else { ", \"" };
            for part in [begin, payer.whose(), "\";r=", number.format(left)] {
                state.push_str(part);
            }
            state.push_str(";t=");
            state.push_str(number.format(seconds(whole)));
        }
        if let Ok(state) = HeaderValue::from_maybe_shared(Bytes::from(state)) {
            headers.insert(RATE_LIMIT, state);
        }
    }
}

/// Returns what clients are told of limits, if there are any.
fn policy(user: Option<Quota>, network: Option<Quota>) -> Option<HeaderValue> {
    let quotas = [(USER, user), (ADDRESS, network)];
    let told = quotas.into_iter().filter_map(|(whose, quota)| {
        let (quota, window) = (quota?.cost(), WINDOW.as_secs());
        Some(format!(
            "\"{whose}\";q={quota};qu=\"complexity\";w={window}"
        ))
    });
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| HeaderValue::try_from(told.join(", ")).ok())?
}

const USER: &str = "user";
const ADDRESS: &str = "address";

fn seconds(duration: Duration) -> u64 {
    duration
        .as_millis()
        .div_ceil(1_000)
        .try_into()
        .unwrap_or(u64::MAX)
}

impl Account {
    fn payers(&self) -> impl Iterator<Item = &Payer> {
        self.0.iter().flatten()
    }
}

impl Payer {
    const fn whose(&self) -> &'static str {
        match self.holder {
            Holder::User(_) => USER,
            Holder::Network(_) => ADDRESS,
        }
    }

    /// Returns the key in Redis. Gateways with other limits, as during a deployment, count for themselves.
    fn key(&self) -> String {
        let quota = self.quota.cost();
        match self.holder {
            Holder::User(id) => format!("rate:{quota}:{id}"),
            Holder::Network(address) => format!("rate:{quota}:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use entities::users::UserId;

    use super::*;

    fn rates(user: u64, network: u64) -> Rates {
        let settings = RateSettings {
            max_cost_per_user: user,
            max_cost_per_address: network,
        };
        Rates::new(&settings, None)
    }

    fn network(text: &str) -> Option<Holder> {
        Some(Holder::network(text.parse().expect("an address")))
    }

    #[test]
    fn a_user_and_a_network_pay_for_each_operation() {
        let rates = rates(100, 250);
        let ada = Some(Holder::User(UserId::generate()));
        let account = rates.account([ada, network("192.0.2.1")]);
        assert!(rates.spend(&account, 90).is_ok());
        let limited = rates.spend(&account, 90).expect_err("the user's limit");
        assert_eq!(limited.whose, USER);
        let error = rates.refusal(&limited);
        let extensions = error.extensions.expect("extensions");
        assert_eq!(extensions.get("retryAfterSeconds"), Some(&60.into()));
        assert!(rates.check(&account).is_err(), "before it is read");
        let bob = Some(Holder::User(UserId::generate()));
        let account = rates.account([bob, network("192.0.2.1")]);
        assert!(rates.spend(&account, 90).is_ok());
        let anonymous = rates.account([None, network("192.0.2.1")]);
        assert_eq!(
            rates.spend(&anonymous, 90).expect_err("its limit").whose,
            ADDRESS
        );
        assert!(rates.spend(&anonymous, 35).is_ok(), "there is as much left");
        assert!(
            rates
                .spend(&rates.account([ada, network("192.0.2.2")]), 0)
                .is_err()
        );
    }

    #[test]
    fn what_is_refused_costs_and_what_is_not_limited_does_not() {
        let rates = rates(0, 100);
        let account = rates.account([None, network("2001:db8::1")]);
        rates.charge_refused(&account, 64 * 1_000);
        let neighbour = rates.account([None, network("2001:db8::2")]);
        assert!(rates.check(&neighbour).is_err(), "they share a network");
        let user = rates.account([Some(Holder::User(UserId::generate())), None]);
        for _ in 0..1_000 {
            assert!(rates.spend(&user, 10_000).is_ok());
        }
        let mut headers = HeaderMap::new();
        rates.tell(&user, &mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn clients_are_told() {
        let rates = rates(600, 6_000);
        let ada = Some(Holder::User(UserId::generate()));
        let account = rates.account([ada, network("192.0.2.1")]);
        assert!(rates.spend(&account, 290).is_ok());
        let mut headers = HeaderMap::new();
        rates.tell(&account, &mut headers);
        let policy =
            "\"user\";q=600;qu=\"complexity\";w=60, \"address\";q=6000;qu=\"complexity\";w=60";
        assert_eq!(headers[RATE_LIMIT_POLICY], policy);
        let state = headers[RATE_LIMIT].to_str().expect("a text");
        // Some of it may have come back.
        assert!(state.starts_with("\"user\";r=30"), "{state}");
        assert!(state.ends_with(";t=30, \"address\";r=5700;t=3"), "{state}");
    }

    #[test]
    fn hostile_numbers_of_addresses_take_bounded_memory() {
        let rates = rates(1, 1_000);
        for number in 0..300_000_u32 {
            let address = std::net::IpAddr::from(number.to_be_bytes());
            let account = rates.account([None, Some(Holder::network(address))]);
            assert!(rates.spend(&account, 1).is_ok());
        }
        rates.meters.run_pending_tasks();
        assert!(rates.meters.entry_count() <= METERS);
    }
}
