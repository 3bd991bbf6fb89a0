//! Budgets of what may be held at once: in total, by one user, and by one network. Used for bytes in transit, for subscriptions and for
//! waiting reads. No holder's share can take everything, so an attacker in one place or with one account locks out only itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use async_graphql::ServerError;
use axum::http::StatusCode;
use bytes::Bytes;
use entities::users::{UserId, network_of};
use parking_lot::{Mutex, MutexGuard};

use crate::errors::{Code, RETRY_AFTER_SECONDS, typed, with};

/// About when a holder that gave something back is admitted again, in seconds.
const RETRY_AFTER: u64 = 1;

/// The holder of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    User(UserId),
    Network(IpAddr),
}

impl Holder {
    /// Returns the network of an address: a household has a whole /64 of IPv6 addresses.
    pub(crate) fn network(address: IpAddr) -> Self {
        Self::Network(network_of(address))
    }
}

/// The limits of a budget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) in_all: usize,
    pub(crate) by_user: usize,
    pub(crate) by_network: usize,
}

impl Most {
    const fn of(&self, holder: &Holder) -> usize {
        match holder {
            Holder::User(_) => self.by_user,
            Holder::Network(_) => self.by_network,
        }
    }
}

/// Counts what is held; clones share the count.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The thing counted, as errors name it.
    what: &'static str,
    most: Most,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    in_all: usize,
    by_holder: HashMap<Holder, usize>,
}

/// Why no more is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    /// The process has no more.
    InAll(&'static str),
    /// The holder has reached its limit.
    ByHolder(&'static str),
}

impl Spent {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::InAll(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::ByHolder(_) => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    pub(crate) fn into_error(self) -> ServerError {
        let error = match self {
            Self::InAll(what) => typed(
                Code::Unavailable,
                format!("The gateway has no room for more {what} at the moment; try again later"),
            ),
            Self::ByHolder(what) => typed(
                Code::RateLimited,
                format!("There are too many {what} from here at once; try again later"),
            ),
        };
        with(error, RETRY_AFTER_SECONDS, RETRY_AFTER)
    }
}

impl Budget {
    pub(crate) fn new(what: &'static str, most: Most) -> Self {
        Self(Arc::new(Inner {
            what,
            most,
            held: Mutex::default(),
        }))
    }

    /// Creates an empty share for these holders.
    pub(crate) fn share(&self, holders: [Option<Holder>; 2]) -> Share {
        Share {
            budget: self.clone(),
            holders,
            held: 0,
        }
    }

    /// Checks that each of the holders may have more.
    pub(crate) fn check(&self, holders: &[Option<Holder>; 2]) -> Result<(), Spent> {
        self.0.lock().check(&self.0, holders, 1)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock()
    }
}

impl Held {
    fn check(
        &self,
        inner: &Inner,
        holders: &[Option<Holder>; 2],
        more: usize,
    ) -> Result<(), Spent> {
        for holder in holders.iter().flatten() {
            let held = self.by_holder.get(holder).copied().unwrap_or(0);
            if held.saturating_add(more) > inner.most.of(holder) {
                return Err(Spent::ByHolder(inner.what));
            }
        }
        match self.in_all.saturating_add(more) > inner.most.in_all {
            true => Err(Spent::InAll(inner.what)),
            false => Ok(()),
        }
    }

    fn add(&mut self, holders: &[Option<Holder>; 2], more: usize) {
        self.in_all += more;
        for holder in holders.iter().flatten() {
            *self.by_holder.entry(*holder).or_default() += more;
        }
    }

    fn take_off(&mut self, holders: &[Option<Holder>; 2], less: usize) {
        self.in_all = self.in_all.saturating_sub(less);
        for holder in holders.iter().flatten() {
            let Some(held) = self.by_holder.get_mut(holder) else {
                continue;
            };
            *held = held.saturating_sub(less);
            if *held == 0 {
                self.by_holder.remove(holder);
            }
        }
    }
}

/// A share of a budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    holders: [Option<Holder>; 2],
    held: usize,
}

impl Share {
    /// Creates another empty share for the same holders.
    pub(crate) fn another(&self) -> Self {
        self.budget.share(self.holders)
    }

    /// Returns whose it is.
    pub(crate) const fn holders(&self) -> &[Option<Holder>; 2] {
        &self.holders
    }

    /// Checks that the holders may have more.
    pub(crate) fn check(&self) -> Result<(), Spent> {
        self.budget.check(&self.holders)
    }

    /// Takes more, if there is enough.
    pub(crate) fn grow(&mut self, more: usize) -> Result<(), Spent> {
        let inner = &self.budget.0;
        let mut held = inner.lock();
        held.check(inner, &self.holders, more)?;
        held.add(&self.holders, more);
        drop(held);
        self.held += more;
        Ok(())
    }

    /// Holds this amount, whether or not it is available: what exists already is counted, and holds up newcomers.
    pub(crate) fn set(&mut self, amount: usize) {
        if amount == self.held {
            return;
        }
        let mut held = self.budget.0.lock();
        match amount.checked_sub(self.held) {
            Some(more) => held.add(&self.holders, more),
            None => held.take_off(&self.holders, self.held - amount),
        }
        drop(held);
        self.held = amount;
    }

    /// Holds this amount, if it is available.
    pub(crate) fn try_set(&mut self, amount: usize) -> Result<(), Spent> {
        match amount.checked_sub(self.held) {
            Some(0) => Ok(()),
            Some(more) => self.grow(more),
            None => {
                self.set(amount);
                Ok(())
            }
        }
    }

    /// Counts these bytes until their last copy is gone, whether or not there is room.
    pub(crate) fn count(mut self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        self.set(bytes.as_ref().len());
        let _share = self;
        Bytes::from_owner(Counted { bytes, _share })
    }
}

/// Bytes with their share.
struct Counted<B> {
    bytes: B,
    _share: Share,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Counted<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Most = Most {
        in_all: 10,
        by_user: 3,
        by_network: 6,
    };

    #[test]
    fn nobody_takes_more_than_their_part_and_all_of_it_comes_back() {
        let budget = Budget::new("things", MOST);
        let network = |last: u8| Some(Holder::network([192, 0, 2, last].into()));
        let user = Some(Holder::User(UserId::generate()));
        let mut one = budget.share([user, network(1)]);
        assert_eq!(one.grow(3), Ok(()));
        assert_eq!(one.grow(1), Err(Spent::ByHolder("things")), "of the user");
        let mut other = budget.share([None, network(1)]);
        assert_eq!(
            other.grow(4),
            Err(Spent::ByHolder("things")),
            "of the network"
        );
        assert_eq!(other.grow(3), Ok(()));
        let mut third = budget.share([None, network(2)]);
        assert_eq!(third.grow(5), Err(Spent::InAll("things")));
        assert_eq!(third.grow(4), Ok(()));
        third.set(9);
        assert_eq!(
            budget.check(&[None, network(3)]),
            Err(Spent::InAll("things"))
        );
        drop((one, other, third));
        assert_eq!(budget.share([user, network(1)]).grow(3), Ok(()));
        assert!(budget.0.lock().by_holder.is_empty(), "nobody is remembered");
    }

    #[test]
    fn neighbours_share_a_network() {
        let of = |text: &str| network_of(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
