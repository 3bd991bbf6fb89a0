//! How often passwords may be tried: by account, so that one cannot be guessed, and by address, so that many cannot be
//! tried. Every attempt counts, right or wrong, for accounts that exist and for those that do not: the throttle says
//! nothing about them. Counted in each process for itself; with several gateways the limit is a multiple.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DefaultKeyedStateStore,
};

use super::UserError;

/// Forgotten keys are dropped after so many attempts.
const ATTEMPTS_BETWEEN_CLEANINGS: u32 = 1024;

type Limiter<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>;

pub(super) struct Throttle {
    accounts: Limiter<String>,
    addresses: Limiter<IpAddr>,
    attempts: AtomicU32,
}

impl Throttle {
    /// So many attempts at once, and as many again in a minute.
    pub(super) fn new(by_account: NonZeroU32, by_address: NonZeroU32) -> Self {
        Self {
            accounts: RateLimiter::keyed(Quota::per_minute(by_account)),
            addresses: RateLimiter::keyed(Quota::per_minute(by_address)),
            attempts: AtomicU32::new(0),
        }
    }

    /// Counts an attempt from `address`, if that is known.
    pub(super) fn check_address(&self, address: Option<IpAddr>) -> Result<(), UserError> {
        match address {
            Some(address) => check(&self.addresses, &network_of(address)),
            None => Ok(()),
        }
    }

    /// Counts an attempt for `account`.
    pub(super) fn check_account(&self, account: &str) -> Result<(), UserError> {
        let attempts = self.attempts.fetch_add(1, Ordering::Relaxed);
        if attempts % ATTEMPTS_BETWEEN_CLEANINGS == ATTEMPTS_BETWEEN_CLEANINGS - 1 {
            self.accounts.retain_recent();
            self.addresses.retain_recent();
        }
        check(&self.accounts, &account.to_owned())
    }
}

fn check<K: std::hash::Hash + Eq + Clone>(limiter: &Limiter<K>, key: &K) -> Result<(), UserError> {
    limiter
        .check_key(key)
        .map_err(|not_until| UserError::Throttled {
            retry_after: not_until.wait_time_from(DefaultClock::default().now()),
        })
}

/// A household has a whole /64 of IPv6 addresses.
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

    #[test]
    fn each_key_has_its_own_limit() {
        let three = NonZeroU32::new(3).expect("three");
        let throttle = Throttle::new(three, three);
        for _ in 0..3 {
            assert!(throttle.check_account("ada@example.com").is_ok());
        }
        assert!(matches!(
            throttle.check_account("ada@example.com"),
            Err(UserError::Throttled { retry_after }) if retry_after.as_secs() <= 20
        ));
        assert!(throttle.check_account("bob@example.com").is_ok());
        let neighbours = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"];
        let allowed = neighbours
            .iter()
            .filter(|text| throttle.check_address(text.parse().ok()).is_ok());
        assert_eq!(allowed.count(), 3, "they share a network");
    }
}
