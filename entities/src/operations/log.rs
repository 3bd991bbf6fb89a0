//! The log, for administrators. They see which events there are, when they happened, and who caused them. The contents of chats
//! are for their members, so the data of those events is withheld from all administrators.

use ::events::{Event, LogFilter, LogPage, LogPlace};

use super::Operations;
use crate::{
    access::{AccessError, Action, Viewer, authorize},
    boxed,
};

type Result<T, E = AccessError> = std::result::Result<T, E>;

/// Selects the events of a subscription or a page; see `LogFilter`.
pub type EventLogFilter = LogFilter;

/// An event, with as much of it as administrators may see.
#[derive(Debug, Clone)]
pub struct LoggedEvent {
    event: Event,
}

impl LoggedEvent {
    /// Returns the event, whose data may be withheld.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Returns the data as JSON; `None` when it is withheld.
    pub fn data(&self) -> Option<&str> {
        (!is_withheld(&self.event.stream)).then(|| self.event.data.get())
    }
}

impl From<Event> for LoggedEvent {
    fn from(event: Event) -> Self {
        Self { event }
    }
}

/// Returns whether only the users concerned may see the data of this kind of stream.
pub fn is_withheld(stream: &str) -> bool {
    crate::WITHHELD_STREAMS.contains(&stream)
}

impl Operations {
    /// Returns a page of the log.
    ///
    /// # Errors
    /// Fails when the viewer is not allowed to, or the log cannot be read.
    #[boxed]
    pub async fn browse_log(
        &self,
        viewer: &Viewer,
        filter: &LogFilter,
        place: LogPlace,
    ) -> Result<LogPage> {
        authorize(viewer, Action::ReadLog)?;
        Ok(self.log.browse(filter, place).await?)
    }

    /// Returns the kind of stream with this name, if there is one.
    pub fn stream_kind(name: &str) -> Option<&'static str> {
        crate::STREAMS.iter().copied().find(|kind| *kind == name)
    }
}
