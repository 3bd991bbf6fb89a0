//! Counts of records by status and by day: see `counting`.

use ::events::Event;

use super::{Change, Record, RecordEvent};
use crate::{
    access::Action,
    counting::{Step, Tally},
};

/// A record with a status, counted by it.
pub trait Counted: Record {
    /// The statuses that a record can have.
    type Status: sea_orm::ActiveEnum<Value = String>
        + sea_orm::Iterable
        + Ord
        + Copy
        + Send
        + Sync
        + 'static;

    /// The name of the follower that keeps the counts.
    const COUNTS: &'static str;

    /// Returns the record's status.
    fn status(&self) -> Self::Status;
    /// Returns the status before the event; `None` if there was no record, or the event does not say it.
    fn status_before(data: &Self::Data) -> Option<Self::Status>;
}

impl<R: Counted> Tally for R {
    type Group = R::Status;

    const STREAM: &'static str = R::NAME;
    const COUNTS: &'static str = <R as Counted>::COUNTS;
    const READ: Action = <R as Record>::READ;

    fn step(event: &Event) -> ::events::Result<Step<R::Status>> {
        let RecordEvent { change, data, .. } = RecordEvent::<R>::decode(event)?;
        let now = R::of_data(&data).status();
        let (from, to) = match change {
            Change::Created | Change::Restored => (None, Some(now)),
            Change::Updated => (Some(R::status_before(&data).unwrap_or(now)), Some(now)),
            Change::Deleted => (Some(now), None),
            Change::Cached => (None, None),
        };
        Ok(Step { from, to })
    }
}
