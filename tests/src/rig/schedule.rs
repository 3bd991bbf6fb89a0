//! The plan of a run: which faults, how often, in which order, and the steps around each. The order and all random choices
//! follow from the seed; the timing does not, as real processes are at work.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::FutureExt;

use super::faults::{FAULTS, Fault, Length};
use super::{Rig, Table};
use crate::comparison::Findings;

/// How long the injection and the end of a fault may take.
const FAULT_LIMIT: Duration = Duration::from_secs(900);

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
    let began = Instant::now();
    let order = plan.order();
    let mut table = Table::new(FAULTS.iter().map(|fault| fault.name).collect());
    tell(format!("seed {}: {} faults", plan.seed, order.len()));
    let mut rig = Rig::start(plan.seed).await;
    // The rig must be healthy before the first fault.
    let recovery = rig.recovery(Instant::now()).await;
    tell(format!("started, and well: {recovery:?}"));
    let findings = found(&mut rig, recovery.err()).await;
    tell_of(&findings, &tell);
    table.note("before all faults", &findings);
    for (number, (fault, turn)) in order.iter().enumerate() {
        if began.elapsed() > plan.limit && number >= plan.at_least {
            tell(format!(
                "{:?} are over: {number} of {} faults",
                plan.limit,
                order.len()
            ));
            break;
        }
        let (recovery, findings) = suffer(&mut rig, fault, *turn).await;
        tell(format!(
            "{:>4.0} s  {:>3} of {}  {:<28} {}  {:?} lost, doubled, reordered; {} answers, {} events",
            began.elapsed().as_secs_f64(),
            number + 1,
            order.len(),
            fault.name,
            recovery.map_or("      –".into(), |it| format!(
                "{:>5.2} s",
                it.as_secs_f64()
            )),
            findings.counts(),
            rig.load.book.answers(),
            rig.load.log.end(),
        ));
        tell_of(&findings, &tell);
        table.enter(fault.name, recovery, &findings);
    }
    let repeated = rig.load.stop().await;
    let findings = found(&mut rig, None).await;
    table.note("after all faults", &findings);
    tell(format!(
        "{} answers, {repeated} of them asked for again; {} events; {}",
        rig.load.book.answers(),
        rig.load.log.end(),
        rig.load.figures()
    ));
    table
}

/// Injects one fault, and waits until everything is accounted for.
async fn suffer(rig: &mut Rig, fault: &Fault, turn: usize) -> (Option<Duration>, Findings) {
    let injected = AssertUnwindSafe((fault.inject)(rig, turn)).catch_unwind();
    let mut problems = Vec::new();
    let end = match tokio::time::timeout(FAULT_LIMIT, injected).await {
        Ok(Ok(Ok(end))) => end,
        Ok(Ok(Err(problem))) => {
            problems.push(problem);
            Instant::now()
        }
        Ok(Err(_)) => {
            problems.push("the fault could not be injected".into());
            Instant::now()
        }
        Err(_) => {
            problems.push(format!("the fault did not end in {FAULT_LIMIT:?}"));
            Instant::now()
        }
    };
    problems.extend(rig.restore());
    let recovery = rig.recovery(end).await;
    let recovered = recovery.as_ref().ok().copied();
    problems.extend(recovery.err());
    let mut findings = found(rig, None).await;
    findings.lost.extend(problems);
    (recovered, findings)
}

fn tell_of(findings: &Findings, tell: &impl Fn(String)) {
    for line in findings.lines().take(10) {
        tell(format!("        {line}"));
    }
}

async fn found(rig: &mut Rig, problem: Option<String>) -> Findings {
    let mut findings = rig.account().await;
    findings.lost.extend(problem);
    findings
}
