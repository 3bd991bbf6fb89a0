//! The plan of a run: which faults, how often, in which order, and the steps around each. The order and all random choices
//! follow from the seed; the timing does not, as real processes are at work.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::faults::{FAULTS, Fault, Length};
use super::report::Report;
use super::{Rig, Table};

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Only these faults.
    pub only: Option<Vec<String>>,
    /// How often short faults are injected.
    pub times: usize,
    /// How often long faults are injected.
    pub times_long: usize,
    /// No fault begins after this time, except for so many.
    pub limit: Duration,
    pub at_least: usize,
}

impl Plan {
    fn has(&self, fault: &Fault) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.iter().any(|name| name == fault.name))
    }

    /// Returns the faults in the order of the seed, each with the number of its injection.
    fn order(&self) -> Vec<(&'static Fault, usize)> {
        let mut order = Vec::new();
        for fault in FAULTS.iter().filter(|fault| self.has(fault)) {
            let times = match fault.length {
                Length::Moment => self.times,
                Length::Long => self.times_long,
            };
            order.extend((0..times).map(|turn| (fault, turn)));
        }
        Rng::with_seed(self.seed).shuffle(&mut order);
        order
    }
}

/// Runs the plan, and reports each step. The findings are in the table.
pub async fn run(plan: &Plan, tell: impl Fn(String)) -> Table {
    let order = plan.order();
    let table = Table::new("fault", FAULTS.iter().map(|fault| fault.name).collect());
    let mut report = Report::begin(table, order.len(), tell);
    report.tell(format!("seed {}: {} faults", plan.seed, order.len()));
    let mut rig = Rig::start(plan.seed).await;
    // The rig must be healthy before the first fault.
    let recovery = rig.recovery(Instant::now()).await;
    report.tell(format!("started, and well: {recovery:?}"));
    let mut findings = rig.account().await;
    findings.lost.extend(recovery.err());
    report.note("before all faults", &findings);
    for (number, (fault, turn)) in order.iter().enumerate() {
        if report.elapsed() > plan.limit && number >= plan.at_least {
            report.tell(format!(
                "{:?} are over: {number} of {} faults",
                plan.limit,
                order.len()
            ));
            break;
        }
        let inject = async |rig: &mut Rig| (fault.inject)(rig, *turn).await;
        report.step(&mut rig, fault.name, inject).await;
    }
    report.end(&mut rig, "after all faults").await;
    report.table
}
