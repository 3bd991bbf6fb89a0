//! Followers: read models and other ordered consumers, exactly once. A follower's writes and its checkpoint commit in one
//! transaction, so either both happened or neither. Parts are leased, so any number of processes share them (`runner`).
//!
//! Why a paused or superseded process changes nothing: its checkpoint update names the fencing token of its lease and the
//! position before the first event it applies. A takeover of the lease raises the token; applying an event moves the position. A
//! stale process matches no row, and its whole transaction is rolled back.

mod checkpoint;

use std::sync::Arc;

use futures::future::BoxFuture;

pub(crate) use checkpoint::{Advance, advance, checkpoint_of, slowest_checkpoints};
pub use checkpoint::{Checkpoint, read_checkpoint};

use crate::{Begin, DatabaseTransaction, Event, Result, Tx};

/// The work of a follower on some events.
pub type Applying<'a> = BoxFuture<'a, Result<()>>;

/// A consumer that keeps state derived from events.
pub trait Follower: Send + Sync + 'static {
    /// Returns the name of its checkpoints, which must never change.
    fn name(&self) -> &'static str;

    /// Returns whether it wants the events of this kind of stream.
    fn wants(&self, stream: &str) -> bool;

    /// Returns where it begins if it has never run.
    fn begins(&self) -> Begin {
        Begin::WithTheFirst
    }

    /// Applies events, in order, in the transaction that also moves the checkpoint. If that transaction does not commit, the same
    /// events are applied again, so there must be no effect outside it.
    fn apply<'a>(&'a self, tx: &'a DatabaseTransaction, events: &'a [Arc<Event>]) -> Applying<'a>;

    /// Appends the events that follow from these, in the same transaction, after `apply`: they are published exactly once. A
    /// rebuild applies events again, but never raises any.
    fn raise<'a>(&'a self, _: &'a Tx<'a>, _: &'a [Arc<Event>]) -> Applying<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Called after the commit, for effects that may be lost: a process that ends first does not get here.
    fn committed(&self, _: &[Arc<Event>]) {}
}
