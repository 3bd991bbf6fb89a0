//! What a run tells and enters after each step: the line, the findings, and at the end the table. Schedules of faults and upgrades have it
//! in common.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;

use super::faults::Injected;
use super::{Rig, Table};
use crate::comparison::Findings;

/// How long a step may take.
const STEP_LIMIT: Duration = Duration::from_secs(900);

pub(super) struct Report<T> {
    began: Instant,
    steps: usize,
    tell: T,
    pub table: Table,
}

impl<T: Fn(String)> Report<T> {
    pub fn begin(table: Table, steps: usize, tell: T) -> Self {
        Self {
            began: Instant::now(),
            steps,
            tell,
            table,
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn tell(&self, line: String) {
        (self.tell)(line);
    }

    /// Enters findings from times without a step.
    pub fn note(&mut self, when: &str, findings: &Findings) {
        self.tell_of(findings);
        self.table.note(when, findings);
    }

    /// Takes one step, waits until everything is well and accounted for, and enters the result.
    pub async fn step(
        &mut self,
        rig: &mut Rig,
        name: &'static str,
        act: impl AsyncFnOnce(&mut Rig) -> Injected,
    ) {
        let (recovery, findings) = suffer(rig, act).await;
        self.tell(format!(
            "{:>4.0} s  {:>3} of {}  {name:<28} {}  {:?} lost, doubled, reordered; {} answers, {} events",
            self.elapsed().as_secs_f64(),
            self.table.injections() + 1,
            self.steps,
            recovery.map_or("      –".into(), |it| format!(
                "{:>5.2} s",
                it.as_secs_f64()
            )),
            findings.counts(),
            rig.load.book.answers(),
            rig.load.log.end(),
        ));
        self.tell_of(&findings);
        self.table.enter(name, recovery, &findings);
    }

    /// Lets the writers finish, and makes the last account.
    pub async fn end(&mut self, rig: &mut Rig, when: &str) {
        let repeated = rig.load.stop().await;
        let findings = rig.account().await;
        self.note(when, &findings);
        self.tell(format!(
            "{} answers, {repeated} of them asked for again; {} events; {}",
            rig.load.book.answers(),
            rig.load.log.end(),
            rig.load.figures()
        ));
    }

    fn tell_of(&self, findings: &Findings) {
        for line in findings.lines().take(10) {
            self.tell(format!("        {line}"));
        }
    }
}

async fn suffer(
    rig: &mut Rig,
    act: impl AsyncFnOnce(&mut Rig) -> Injected,
) -> (Option<Duration>, Findings) {
    let acted = AssertUnwindSafe(act(rig)).catch_unwind();
    let mut problems = Vec::new();
    let end = match tokio::time::timeout(STEP_LIMIT, acted).await {
        Ok(Ok(Ok(end))) => end,
        Ok(Ok(Err(problem))) => {
            problems.push(problem);
            Instant::now()
        }
        Ok(Err(_)) => {
            problems.push("it could not be done".into());
            Instant::now()
        }
        Err(_) => {
            problems.push(format!("it did not end in {STEP_LIMIT:?}"));
            Instant::now()
        }
    };
    problems.extend(rig.restore());
    let recovery = rig.recovery(end).await;
    let recovered = recovery.as_ref().ok().copied();
    problems.extend(recovery.err());
    let mut findings = rig.account().await;
    findings.lost.extend(problems);
    (recovered, findings)
}
