//! Applies events in a follower that may fail on some of them. Events of a stream that has letters wait behind these, in order;
//! an event that fails on its own becomes a letter, and everything else is applied. All of it happens in the caller's
//! transaction, which has locked the checkpoint row, so that nobody replays letters meanwhile. Called by followers and rebuilds.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use parking_lot::Mutex;

use super::store::{self, Kind, Letter};
use crate::{
    DatabaseTransaction, Error, Event, Follower, Result, Tx, append::Appended, error::error_chain,
};

/// How often an event that is given up was tried, and since when.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tried {
    pub(crate) attempts: u32,
    pub(crate) since: Duration,
}

/// Applies the events and parks those whose streams have letters of the consumer. It also raises events, if `raise` is given.
pub(crate) async fn apply_or_park(
    tx: &DatabaseTransaction,
    (consumer, kind): (&str, Kind),
    follower: &dyn Follower,
    events: &[Arc<Event>],
    raising: Option<&Tx<'_>>,
) -> Result<()> {
    let held = store::held_streams(tx, consumer, events).await?;
    if held.is_empty() {
        return apply(tx, follower, events, raising).await;
    }
    let is_held = |event: &Arc<Event>| held.contains(&(event.stream.clone(), event.stream_id));
    let (parked, free): (Vec<_>, Vec<_>) = events.iter().cloned().partition(is_held);
    let letters: Vec<_> = parked
        .iter()
        .map(|event| Letter {
            consumer,
            kind,
            event,
            error: None,
            attempts: 0,
            since: Duration::ZERO,
        })
        .collect();
    store::insert(tx, &letters).await?;
    apply(tx, follower, &free, raising).await
}

/// Applies events like `apply_or_park`, but an event that fails on its own becomes a letter. A half that fails is halved again,
/// under savepoints, in the order of the events, so that the events behind a failure find its letter. Raised events go to
/// `raised`, if it is given.
///
/// # Errors
/// Those that no event causes.
pub(crate) async fn apply_carefully(
    tx: &DatabaseTransaction,
    (consumer, kind): (&str, Kind),
    follower: &dyn Follower,
    events: &[Arc<Event>],
    raised: Option<&Mutex<Vec<Appended>>>,
    tried: Tried,
) -> Result<()> {
    let mut left = vec![events];
    while let Some(events) = left.pop() {
        let savepoint = tx.begin().await?;
        let appended = Mutex::default();
        let raising = raised.map(|_| Tx::new(&savepoint, &appended));
        let applied = apply_or_park(
            &savepoint,
            (consumer, kind),
            follower,
            events,
            raising.as_ref(),
        )
        .await;
        let Err(error) = applied else {
            savepoint.commit().await?;
            if let Some(raised) = raised {
                let appended = appended.into_inner();
                let mut raised = raised.lock();
                raised.extend(appended);
            }
            continue;
        };
        savepoint.rollback().await?;
        if !error.is_of_event() {
            return Err(error);
        }
        let [event] = events else {
            let (first, second) = events.split_at(events.len() / 2);
            left.extend([second, first]);
            continue;
        };
        let error = error_chain(&error);
        tracing::error!(
            consumer,
            position = event.position,
            error,
            "an event was given up"
        );
        let letter = Letter {
            consumer,
            kind,
            event,
            error: Some(&error),
            attempts: tried.attempts + 1,
            since: tried.since,
        };
        store::insert(tx, &[letter]).await?;
    }
    Ok(())
}

/// Writes letters for events without applying them.
pub(crate) async fn set_aside(
    tx: &DatabaseTransaction,
    (consumer, kind): (&str, Kind),
    events: &[Arc<Event>],
    error: &str,
    tried: Tried,
) -> Result<()> {
    let mut letters = Vec::new();
    for event in events {
        let position = event.position;
        tracing::error!(consumer, position, error, "an event was given up");
        letters.push(Letter {
            consumer,
            kind,
            event,
            error: Some(error),
            attempts: tried.attempts,
            since: tried.since,
        });
    }
    store::insert(tx, &letters).await
}

/// Applies the events; a panic counts as a failure.
pub(super) async fn apply(
    tx: &DatabaseTransaction,
    follower: &dyn Follower,
    events: &[Arc<Event>],
    raising: Option<&Tx<'_>>,
) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let applying = async {
        follower.apply(tx, events).await?;
        match raising {
            Some(tx) => follower.raise(tx, events).await,
            None => Ok(()),
        }
    };
    // The changes it left half done are rolled back with the transaction.
    let ended = AssertUnwindSafe(applying).catch_unwind().await;
    ended.unwrap_or_else(|panic| Err(Error::Panicked(panic_message(&*panic))))
}

/// Returns the message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}
