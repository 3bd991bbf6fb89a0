//! Followers: read models and other ordered consumers, exactly once. What a follower writes and its checkpoint commit in
//! one transaction, so either both happened or neither. Parts are leased, so any number of processes share them.
//!
//! Why a paused or superseded process changes nothing: its checkpoint update names the fencing token of its lease and
//! the position before the first event it applies. Taking a lease over raises the token; applying an event moves the
//! position. A stale process matches no row, and its whole transaction is rolled back.

mod attempts;
mod checkpoint;
mod lease;
mod runner;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use lease::Leases;

pub use checkpoint::{Checkpoint, read_checkpoint};
pub(crate) use checkpoint::{checkpoint_of, slowest_checkpoints};
#[cfg(test)]
pub(crate) use lease::{Lease, remembered};
pub use runner::run_follower;

use crate::{DatabaseTransaction, Event, Result, Tx};

/// Where a follower begins that has never run, on a log that may have been pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With the first event that there ever was. When that was pruned it does not run, and says so, as its state would be
    /// wrong; and before it has run nothing is pruned.
    WithTheFirst,
    /// With the first event that was not pruned: it can do without those before.
    WithWhatIsLeft,
}

/// Something that keeps state from events.
pub trait Follower: Send + Sync + 'static {
    /// Names its checkpoints; never changes.
    fn name(&self) -> &'static str;

    /// Whether it wants the events of this kind of stream.
    fn wants(&self, stream: &str) -> bool;

    /// Where it begins if it never ran.
    fn begins(&self) -> Begin {
        Begin::WithTheFirst
    }

    /// Applies events, in order, in the transaction that also moves the checkpoint. May be called again with the same
    /// events if that transaction did not commit, so it must have no effect outside it.
    fn apply<'a>(
        &'a self,
        tx: &'a DatabaseTransaction,
        events: &'a [Arc<Event>],
    ) -> BoxFuture<'a, Result<()>>;

    /// Appends what follows from the events, in the same transaction after `apply`: it is published exactly once. A
    /// rebuild applies events again, and never raises any.
    fn raise<'a>(&'a self, _: &'a Tx<'a>, _: &'a [Arc<Event>]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Told after the commit, for what may get lost: a process that ends before does not come to it.
    fn committed(&self, _: &[Arc<Event>]) {}
}

/// How a process runs its followers.
#[derive(Debug, Clone)]
pub struct FollowerConfig {
    /// This process among those that share the parts; unique for each start.
    pub owner: String,
    /// How long a part stays with a process that does not renew.
    pub lease: Duration,
    /// Events applied in one transaction at most.
    pub batch_events: u64,
}
