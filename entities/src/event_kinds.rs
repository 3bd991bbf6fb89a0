//! The kinds of a domain's events. A domain lists them once, each with its event type, which stays in the log for good, and what it
//! means. Reading an event, writing one and the contract of all of them follow from the list.

use ::events::{Event, NewEvent};
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, schema_for};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The contract of an event: what readers outside of this program rely on. It never changes; another shape is another version.
#[derive(Debug, Clone)]
pub struct EventContract {
    /// The event type, such as `CustomerCreated`.
    pub event_type: &'static str,
    /// The version of the shape of the data.
    pub version: i16,
    /// The kind of stream in which such events are.
    pub stream: &'static str,
    /// A sentence that says what happened.
    pub meaning: String,
    /// The JSON Schema of the data.
    pub schema: Value,
}

/// The kinds of a domain's events.
pub(crate) trait EventKind: Copy + 'static {
    /// All kinds.
    const ALL: &'static [Self];
    /// Their event types, in the same order.
    const NAMES: &'static [&'static str];
    /// What each means, in the same order.
    const MEANINGS: &'static [&'static str];

    /// Returns the event type.
    fn event_type(self) -> &'static str;

    /// Returns the kind with this event type.
    fn find(event_type: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|name| *name == event_type)?;
        Self::ALL.get(place).copied()
    }

    /// Returns the contract of a version of such events, which are in this kind of stream.
    fn contract(self, stream: &'static str, version: i16, schema: Value) -> EventContract {
        let event_type = self.event_type();
        let place = Self::NAMES.iter().position(|name| *name == event_type);
        let meaning = place.and_then(|place| Self::MEANINGS.get(place));
        EventContract {
            event_type,
            version,
            stream,
            meaning: meaning.copied().unwrap_or_default().trim().to_owned(),
            schema,
        }
    }
}

/// Kinds whose events all have the same data.
pub(crate) trait EventData: EventKind {
    /// The data. Its shape is a contract: `VERSION` grows when it changes.
    type Data: Serialize + DeserializeOwned + JsonSchema;

    /// The version of the shape.
    const VERSION: i16;
    /// What such an event is called in errors.
    const WHAT: &'static str;

    /// Reads the kind and the data of an event of any version that was ever written.
    ///
    /// # Errors
    /// When it is not one of these kinds, or its data has another shape.
    fn read(event: &Event) -> ::events::Result<(Self, Self::Data)> {
        let malformed = |source| ::events::Error::Malformed {
            what: Self::WHAT,
            source,
        };
        let kind = Self::find(&event.event_type)
            .ok_or_else(|| malformed(serde::de::Error::custom(&event.event_type)))?;
        let data = serde_json::from_str(event.data.get()).map_err(malformed)?;
        Ok((kind, data))
    }

    /// Returns an event to append.
    fn event(self, data: &Self::Data, occurred_at: DateTime<Utc>) -> NewEvent<'_, Self::Data> {
        new_event(self, Self::VERSION, data, occurred_at)
    }

    /// Returns the contracts of all kinds, whose events are in this kind of stream.
    fn contracts(stream: &'static str) -> impl Iterator<Item = EventContract> {
        let schema = schema_for!(Self::Data).to_value();
        let of = move |kind: &Self| kind.contract(stream, Self::VERSION, schema.clone());
        Self::ALL.iter().map(of)
    }
}

/// Declares an enum of kinds. The event type is the name of the kind behind `prefix`, or the one given. With `data`, all events have
/// it.
macro_rules! event_kinds {
    (
        prefix $prefix:literal $(, data $data:ident version $version:literal)?;
        $(#[$meta:meta])* $vis:vis enum $name:ident {
            $($(#[doc = $meaning:literal])+ $kind:ident $(= $event_type:literal)?,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name {
            $($(#[doc = $meaning])+ $kind,)+
        }

        impl $name {
            /// Returns the event type.
            $vis const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => event_kinds!(@type $prefix $kind $($event_type)?),)+
                }
            }
        }

        impl $crate::event_kinds::EventKind for $name {
            const ALL: &'static [Self] = &[$(Self::$kind),+];
            const NAMES: &'static [&'static str] = &[$(Self::$kind.name()),+];
            const MEANINGS: &'static [&'static str] = &[$(concat!($($meaning),+)),+];

            fn event_type(self) -> &'static str {
                self.name()
            }
        }

        $(impl $crate::event_kinds::EventData for $name {
            type Data = $data;

            const VERSION: i16 = $version;
            const WHAT: &'static str = concat!($prefix, " event");
        })?
    };
    (@type $prefix:literal $kind:ident) => { concat!($prefix, stringify!($kind)) };
    (@type $prefix:literal $kind:ident $event_type:literal) => { $event_type };
}
pub(crate) use event_kinds;

/// Returns an event to append.
pub(crate) fn new_event<'a, D: Serialize>(
    kind: impl EventKind,
    schema_version: i16,
    data: &'a D,
    occurred_at: DateTime<Utc>,
) -> NewEvent<'a, D> {
    NewEvent {
        event_type: kind.event_type(),
        schema_version,
        data,
        occurred_at,
    }
}
