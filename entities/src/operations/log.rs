//! The log, for administrators. They see that something happened, when, and who did it; what is written in chats is for their
//! members, so the data of those events is withheld from everybody here.

use ::events::{Event, LogFilter, LogPage, LogPlace};

use super::Operations;
use crate::{
    access::{AccessError, Action, Viewer, authorize},
    boxed,
};

/// Which events a subscription or a page has; see `LogFilter`.
pub type EventLogFilter = LogFilter;

/// An event, with as much of it as administrators may see.
#[derive(Debug, Clone)]
pub struct LoggedEvent {
    event: Event,
}

impl LoggedEvent {
    /// The event, but for its data.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Its data as JSON; nothing when it is withheld.
    pub fn data(&self) -> Option<&str> {
        (!is_withheld(&self.event.stream)).then(|| self.event.data.get())
    }
}

impl From<Event> for LoggedEvent {
    fn from(event: Event) -> Self {
        Self { event }
    }
}

/// Whether the data of events of this kind of stream is shown to nobody but whom it concerns.
pub fn is_withheld(stream: &str) -> bool {
    crate::WITHHELD_STREAMS.contains(&stream)
}

impl Operations {
    /// A page of the log.
    ///
    /// # Errors
    /// When the viewer may not, and when the log cannot be read.
    #[boxed]
    pub async fn browse_log(
        &self,
        viewer: &Viewer,
        filter: &LogFilter,
        place: LogPlace,
    ) -> Result<LogPage, AccessError> {
        authorize(viewer, Action::ReadLog)?;
        Ok(self.log.browse(filter, place).await?)
    }

    /// The kind of stream with this name, if it is one of ours.
    pub fn stream_kind(name: &str) -> Option<&'static str> {
        crate::STREAMS.iter().copied().find(|kind| *kind == name)
    }
}
