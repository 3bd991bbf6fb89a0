//! The inputs of signals, and their conversion to those of `entities`.

use async_graphql::InputObject;
use entities::signals;

use super::object::SignalStatus;
use crate::{
    alternatives::any_of,
    payloads::{inputs, takes},
};

inputs! {
    /// A new signal.
    SubmitSignalInput {
        source: String = "The source of the value, such as the name of a sensor: 1 to 100 characters.",
        value: f64 = "The value that was measured, from -1e100 to 1e100.",
    }
}

takes!(signals::SubmitSignal: SubmitSignalInput { source, value });

/// Filters a list of signals. All conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct SignalFilter {
    /// Matches signals of this source.
    source: Option<String>,
    /// Matches signals with any of these. An empty list matches nothing.
    status: Option<Vec<SignalStatus>>,
}

takes!(signals::SignalFilter: SignalFilter { source, status by any_of });
