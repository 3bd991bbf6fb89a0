//! Limits attempts at passwords: for an account from one network, so that it cannot be guessed from there and nobody elsewhere
//! is locked out; for an account from everywhere, against guesses from many networks, which does not affect networks that its
//! owner has signed in from; and from one network for all accounts. Every attempt counts, right or wrong, whether the account
//! exists or not: the throttle does not reveal it. Each process counts for itself, so several gateways multiply the limit.
//! Accounts are kept as hashes of bounded size.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DefaultKeyedStateStore,
};
use moka::{policy::EvictionPolicy, sync::Cache};

use super::UserRefusal;

/// Expired keys are dropped after this many attempts.
const ATTEMPTS_BETWEEN_CLEANINGS: u32 = 1024;
/// All other networks together are allowed this many times the attempts of one.
const NETWORKS: u32 = 10;
/// The number of networks that are kept as places of an owner's sign-in, and for how long.
const KNOWN_PLACES: u64 = 100_000;
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 3_600);

type Limiter<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>;
/// An account, and a network.
type Place = (u64, IpAddr);

pub(super) struct Throttle {
    places: Limiter<Place>,
    accounts: Limiter<u64>,
    networks: Limiter<IpAddr>,
    known: Cache<Place, ()>,
    hasher: RandomState,
    attempts: AtomicU32,
}

impl Throttle {
    /// Allows this many attempts at once, and as many again in each minute.
    pub(super) fn new(by_account: NonZeroU32, by_address: NonZeroU32) -> Self {
        let from_everywhere =
            by_account.saturating_mul(NonZeroU32::MIN.saturating_add(NETWORKS - 1));
        Self {
            places: RateLimiter::keyed(Quota::per_minute(by_account)),
            accounts: RateLimiter::keyed(Quota::per_minute(from_everywhere)),
            networks: RateLimiter::keyed(Quota::per_minute(by_address)),
            known: Cache::builder()
                .max_capacity(KNOWN_PLACES)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(KNOWN_FOR)
                .build(),
            hasher: RandomState::new(),
            attempts: AtomicU32::new(0),
        }
    }

    /// Counts an attempt from `address`, if that is known.
    pub(super) fn check_address(&self, address: Option<IpAddr>) -> Result<(), UserRefusal> {
        let attempts = self.attempts.fetch_add(1, Ordering::Relaxed);
        if attempts % ATTEMPTS_BETWEEN_CLEANINGS == ATTEMPTS_BETWEEN_CLEANINGS - 1 {
            self.places.retain_recent();
            self.accounts.retain_recent();
            self.networks.retain_recent();
        }
        match address {
            Some(address) => check(&self.networks, &network_of(address)),
            None => Ok(()),
        }
    }

    /// Counts an attempt for `account` from `address`.
    pub(super) fn check_account(
        &self,
        account: &str,
        address: Option<IpAddr>,
    ) -> Result<(), UserRefusal> {
        let place = self.place(account, address);
        check(&self.places, &place)?;
        match self.known.contains_key(&place) {
            true => Ok(()),
            false => check(&self.accounts, &place.0),
        }
    }

    /// Counts an attempt of a caller who is signed in to `account`.
    pub(super) fn check_owner(&self, account: &str) -> Result<(), UserRefusal> {
        check(&self.places, &self.place(account, None))
    }

    /// Records that the owner of `account` signed in from `address`.
    pub(super) fn remember(&self, account: &str, address: Option<IpAddr>) {
        self.known.insert(self.place(account, address), ());
    }

    fn place(&self, account: &str, address: Option<IpAddr>) -> Place {
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let network = address.map_or(nowhere, network_of);
        (self.hasher.hash_one(account), network)
    }
}

fn check<K: std::hash::Hash + Eq + Clone>(
    limiter: &Limiter<K>,
    key: &K,
) -> Result<(), UserRefusal> {
    limiter
        .check_key(key)
        .map_err(|not_until| UserRefusal::Throttled {
            retry_after: not_until.wait_time_from(DefaultClock::default().now()),
        })
}

/// Returns the network of an address. A household has a whole /64 of IPv6 addresses.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(network.into())
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn each_key_has_its_own_limit() {
        let three = NonZeroU32::new(3).expect("three");
        let throttle = Throttle::new(three, three);
        let tried = |account: &str, last| throttle.check_account(account, address(last));
        for _ in 0..3 {
            assert!(tried("ada@example.com", 1).is_ok());
        }
        assert!(matches!(
            tried("ada@example.com", 1),
            Err(UserRefusal::Throttled { retry_after }) if retry_after.as_secs() <= 20
        ));
        assert!(tried("bob@example.com", 1).is_ok());
        let neighbours = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"];
        let allowed = neighbours
            .iter()
            .filter(|text| throttle.check_address(text.parse().ok()).is_ok());
        assert_eq!(allowed.count(), 3, "they share a network");
    }

    #[test]
    fn strangers_lock_nobody_out_and_many_of_them_do_not_guess_on() {
        let three = NonZeroU32::new(3).expect("three");
        let throttle = Throttle::new(three, three);
        let tried = |last| throttle.check_account("ada@example.com", address(last));
        throttle.remember("ada@example.com", address(99));
        let guessed = (1..=20)
            .flat_map(|last| [last; 5])
            .filter(|last| tried(*last).is_ok());
        assert_eq!(guessed.count(), 30, "ten times what one network may");
        assert!(tried(50).is_err(), "a network that nobody knows");
        assert!(tried(99).is_ok(), "the owner's own");
        assert!(throttle.check_owner("ada@example.com").is_ok());
    }

    #[test]
    fn an_owner_elsewhere_is_not_concerned_by_a_dozen_guesses() {
        let ten = NonZeroU32::new(10).expect("ten");
        let throttle = Throttle::new(ten, ten);
        for last in 1..=12 {
            assert!(
                throttle
                    .check_account("ada@example.com", address(last))
                    .is_ok()
            );
        }
        assert!(
            throttle
                .check_account("ada@example.com", address(13))
                .is_ok()
        );
    }
}
