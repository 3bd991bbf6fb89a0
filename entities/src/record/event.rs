//! The events of records, and how they are read from the log.

use ::events::{Event, NewEvent};
use chrono::{DateTime, Utc};
use schemars::schema_for;

use super::Record;
use crate::event_kinds::EventContract;

/// The changes that can happen to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was created.
    Created,
    /// Some of its fields changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// Its deletion was undone.
    Restored,
    /// It was put into the cache that all processes share, which does not change the record.
    Cached,
}

impl Change {
    const fn meaning(self) -> &'static str {
        match self {
            Self::Created => "was created",
            Self::Updated => "was changed",
            Self::Deleted => "was deleted",
            Self::Restored => "was restored",
            Self::Cached => "was put into the cache that all processes share",
        }
    }
}

/// An event of a record, read from the log.
#[derive(Debug, Clone)]
pub struct RecordEvent<R: Record> {
    /// What happened.
    pub change: Change,
    /// The data of the event, which has the record after it.
    pub data: R::Data,
    /// The event is of an earlier schema version, so the record may lack what it had by then: a process of an earlier version passes
    /// over columns that it does not know.
    pub is_older: bool,
}

impl<R: Record> RecordEvent<R> {
    /// Reads an event of any schema version that was ever written.
    ///
    /// # Errors
    /// Fails when the event is not one of this domain.
    pub fn decode(event: &Event) -> ::events::Result<Self> {
        let malformed = |source| ::events::Error::Malformed {
            what: "event of a record",
            source,
        };
        let mut known = R::EVENTS.iter();
        let (change, _) = known
            .find(|(_, name)| *name == event.event_type)
            .ok_or_else(|| malformed(serde::de::Error::custom(&event.event_type)))?;
        Ok(Self {
            change: *change,
            data: serde_json::from_str(event.data.get()).map_err(malformed)?,
            is_older: event.schema_version < R::SCHEMA_VERSION,
        })
    }

    /// Returns the record after the event.
    pub fn record(&self) -> &R {
        R::of_data(&self.data)
    }
}

/// Returns an event to append.
///
/// # Errors
/// When the domain has no event for the change: the log takes none that nobody could read.
pub(super) fn new_event<R: Record>(
    change: Change,
    data: &R::Data,
    occurred_at: DateTime<Utc>,
) -> ::events::Result<NewEvent<'_, R::Data>> {
    let mut known = R::EVENTS.iter();
    let (_, event_type) = known.find(|(known, _)| *known == change).ok_or_else(|| {
        ::events::Error::Task(format!("a {} has no event for {change:?}", R::NAME))
    })?;
    Ok(NewEvent {
        event_type,
        schema_version: R::SCHEMA_VERSION,
        data,
        occurred_at,
    })
}

/// Returns the contracts of the events of a kind of record.
pub(crate) fn event_contracts<R: Record>() -> Vec<EventContract> {
    let schema = schema_for!(R::Data).to_value();
    let contract = |(change, event_type): &(Change, &'static str)| EventContract {
        event_type,
        version: R::SCHEMA_VERSION,
        stream: R::stream_of(*change),
        meaning: format!("The {} {}.", R::NAME, change.meaning()),
        schema: schema.clone(),
    };
    R::EVENTS.iter().map(contract).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customers::Customer;

    #[test]
    fn the_log_takes_no_event_without_a_name() {
        let data = Customer::default().into_data(None);
        let named = |change| new_event::<Customer>(change, &data, Utc::now()).is_ok();
        assert!(named(Change::Created));
        assert!(!named(Change::Cached), "customers are not kept warm");
    }
}
