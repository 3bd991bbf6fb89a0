//! The statistics of signals.

use entities::signals;

use super::object::SignalStatus;
use crate::statistics::statistics;

statistics! {
    /// How many signals there are, and when they were submitted.
    SignalStatistics of signals::Signal {
        SignalDayCount {
            submitted = created, "Signals submitted."
        },
        by_status: SignalStatusCount { status: SignalStatus = "The status." }
    }
}
