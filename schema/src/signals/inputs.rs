//! The inputs of signals, and their conversion to those of `entities`.

use async_graphql::InputObject;
use entities::signals;

use crate::alternatives::any_of;

use super::object::SignalStatus;

/// A new signal.
#[derive(InputObject)]
pub(crate) struct SubmitSignalInput {
    /// The source of the value, such as the name of a sensor: 1 to 100 characters.
    source: String,
    /// The value that was measured, from -1e100 to 1e100.
    value: f64,
}

impl From<SubmitSignalInput> for signals::SubmitSignal {
    fn from(input: SubmitSignalInput) -> Self {
        Self {
            source: input.source,
            value: input.value,
        }
    }
}

/// Filters a list of signals. All conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct SignalFilter {
    /// Matches signals of this source.
    source: Option<String>,
    /// Matches signals with any of these. An empty list matches nothing.
    status: Option<Vec<SignalStatus>>,
}

impl From<SignalFilter> for signals::SignalFilter {
    fn from(filter: SignalFilter) -> Self {
        Self {
            source: filter.source,
            status: any_of(filter.status),
        }
    }
}
