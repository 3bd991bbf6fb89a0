//! The inputs of signals, and their conversion to those of `entities`.

use async_graphql::Enum;
use entities::signals;

use super::object::SignalStatus;
use crate::{
    filter::{
        DateTimeFilter, FloatFilter, IdFilter, IntFilter, OptionalDateTimeFilter, StringFilter,
        choices, filters,
    },
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

choices! {
    /// Compares the status of a signal.
    SignalStatusFilter of SignalStatus as signals::SignalStatus;
}

filters! {
    /// Filters a list of signals. All conditions must hold.
    SignalFilter of signals::SignalField {
        id: IdFilter as Id = "The global id.",
        source: StringFilter as Source = "The source, without surrounding blanks.",
        number: IntFilter as Number = "The place among the signals of the source.",
        value: FloatFilter as Value = "The value that was measured.",
        status: SignalStatusFilter as Status = "The status.",
        version: IntFilter as Version = "The version.",
        submitted_by: IdFilter as SubmittedBy = "The global id of the user who submitted it.",
        submitted_at: DateTimeFilter as SubmittedAt = "When it was submitted.",
        deadline_at: DateTimeFilter as DeadlineAt = "When it ends at the latest.",
        completed_at: OptionalDateTimeFilter as CompletedAt = "When it ended.",
        delivered_at: OptionalDateTimeFilter as DeliveredAt = "When the webhook's receiver acknowledged it.",
    }
}

/// The field to sort signals by.
#[derive(Enum, Copy, Clone, Default, Eq, PartialEq)]
#[graphql(remote = "signals::SignalSortField")]
pub(crate) enum SignalSortField {
    /// The time of submission.
    #[default]
    SubmittedAt,
}
