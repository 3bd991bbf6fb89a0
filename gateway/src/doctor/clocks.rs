//! What `millrace doctor` makes of clocks: of those of servers, beside this machine's, and of those of the processes that have written the
//! newest events.

use events::AheadFacts;

use super::Finding;

/// Times of events are of the database's clock, and those of tokens of the gateways'. A second is seen by nobody.
const CLOCK_LIMIT: f64 = 1.0;
/// What is done about a wrong clock.
const ADVICE: &str = "run a time service, such as chrony, on both";

pub(super) fn of_clock(about: &'static str, ahead: f64) -> Finding {
    if ahead.abs() <= CLOCK_LIMIT {
        return Finding::ok(
            about,
            format!("its clock differs by {:.0} ms", ahead.abs() * 1e3),
        );
    }
    let side = if ahead > 0.0 { "ahead of" } else { "behind" };
    Finding::warning(
        about,
        format!("its clock is {:.1} s {side} this machine's", ahead.abs()),
        ADVICE,
    )
}

/// Judges the times of the newest events.
pub fn of_times(ahead: &AheadFacts) -> Finding {
    let AheadFacts {
        of,
        events,
        seconds,
    } = ahead;
    if *events == 0 {
        return Finding::ok("times", "no event of late has a time in the future");
    }
    Finding::warning(
        "times",
        format!(
            "{events} of the newest {of} events have times in the future, of up to {seconds:.0} s: a process wrote them whose clock was ahead"
        ),
        "run a time service, such as chrony, on all machines; meanwhile people see wrong times, and nothing is lost",
    )
}
