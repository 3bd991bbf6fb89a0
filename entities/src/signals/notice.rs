//! The notification of a signal that has ended, as a sentence. It tells only the answers that counted, not late ones.

use super::{Direction, Finding, Processor, Signal};

/// Returns a sentence such as `3 of boiler is 97.5: an anomaly (z = 4.21), rising, critical`; missing processors come last.
pub(super) fn describe(signal: &Signal) -> String {
    let counted = signal.results.iter().filter(|result| !result.is_late);
    let mut findings: Vec<String> = counted.filter_map(|it| say(&it.finding)).collect();
    if !signal.missing.is_empty() {
        let names: Vec<_> = signal.missing.iter().map(|it| name(*it)).collect();
        findings.push(format!("without {}", names.join(" and ")));
    }
    let (number, source, value) = (signal.number, &signal.source, signal.value);
    format!("{number} of {source} is {value}: {}", findings.join(", "))
}

const fn name(processor: Processor) -> &'static str {
    match processor {
        Processor::Statistics => "statistics",
        Processor::Trend => "trend",
        Processor::Levels => "levels",
    }
}

fn say(finding: &Finding) -> Option<String> {
    match finding {
        Finding::Statistics(found) => match found.z_score {
            Some(z_score) if found.is_anomaly => Some(format!("an anomaly (z = {z_score:.2})")),
            _ => Some("as usual".to_owned()),
        },
        Finding::Trend(found) => Some(match found.direction {
            Direction::Rising => "rising".to_owned(),
            Direction::Falling => "falling".to_owned(),
            Direction::Flat => return None,
        }),
        Finding::Levels(found) => Some(found.level.clone()),
    }
}
