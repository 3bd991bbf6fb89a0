//! An upgrade: the rig's load on an earlier program, whose processes are replaced by this tree's, one after the other. Two are taken back and
//! replaced again, as an operator may. Every mixture lasts for some seconds. `make upgrade` runs it.
//!
//! If a migration shuts the earlier program out, there is no mixture: all processes are stopped, the database is migrated, the earlier
//! program must refuse it, and then the others start. Clients that repeat requests lose nothing in either case.

use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::block_in_place;

use super::faults::Injected;
use super::report::Report;
use super::{One, PROCESSES, Rig, Table};
use crate::comparison::Findings;
use crate::waiting::SOON;
use crate::{programs, recipe};

/// How long each mixture lasts at least.
const BESIDE: Duration = Duration::from_secs(3);

const EARLIER: &str = "the earlier version alone";
const MIGRATED: &str = "migrated";
const REPLACED: [&str; 2] = ["gateway replaced", "worker replaced"];
const TAKEN_BACK: [&str; 2] = ["gateway taken back", "worker taken back"];
const STOPPED: &str = "stopped, migrated, started";

/// Upgrades from the program `earlier`, and reports each step. The findings are in the table.
pub async fn upgrade(earlier: &Path, seed: u64, tell: impl Fn(String)) -> Table {
    let mut names = vec![EARLIER, MIGRATED];
    names.extend(REPLACED.into_iter().chain(TAKEN_BACK).chain([STOPPED]));
    let (forward, back) = order(seed);
    let steps = 2 + forward.len() + 2 * back.len();
    let mut report = Report::begin(Table::new("stage", names), steps, tell);
    report.tell(format!("seed {seed}: {}", earlier.display()));
    programs::use_millrace(Some(earlier));
    let mut rig = Rig::start(seed).await;
    report
        .step(&mut rig, EARLIER, async |_| Ok(Instant::now()))
        .await;
    if !report.table.problems().is_empty() {
        report.tell(
            "The earlier version alone is not well. If it does not know what the rig asks, begin from a later one."
                .to_owned(),
        );
        return report.table;
    }
    match shut_out(&rig) {
        Err(problem) => report.note("the migration of a copy", &lost(problem)),
        Ok(Some((lowest, known))) => {
            report.tell(format!(
                "The earlier version knows migrations up to {known:04}, and the migrated database takes those that know {lowest:04}: it is shut \
                 out. It cannot run beside this version, so all processes are stopped."
            ));
            let stop = async |rig: &mut Rig| stop_and_start(rig, earlier);
            report.step(&mut rig, STOPPED, stop).await;
        }
        Ok(None) => {
            let migrated = async |rig: &mut Rig| -> Injected {
                migrate(rig, &rig.setup.database_url)?;
                Ok(Instant::now())
            };
            report.step(&mut rig, MIGRATED, migrated).await;
            let stages = forward.iter().map(|one| (*one, REPLACED, None));
            let taken = back.iter().map(|one| (*one, TAKEN_BACK, Some(earlier)));
            let again = back.iter().map(|one| (*one, REPLACED, None));
            for (one, names, program) in stages.chain(taken).chain(again) {
                let name = names[usize::from(matches!(one, One::Worker(_)))];
                let replaced = async |rig: &mut Rig| -> Injected {
                    tokio::time::sleep(BESIDE).await;
                    programs::use_millrace(program);
                    rig.replace(one)?;
                    Ok(Instant::now())
                };
                report.step(&mut rig, name, replaced).await;
            }
        }
    }
    programs::use_millrace(None);
    report.end(&mut rig, "after the upgrade").await;
    if let Err(problem) = rebuild(&rig).await {
        report.note("the rebuild", &lost(problem));
    }
    let findings = rig.account().await;
    report.note("after the rebuild", &findings);
    report.table
}

/// Returns the order in which processes are replaced, and those that are taken back.
fn order(seed: u64) -> (Vec<One>, [One; 2]) {
    let mut random = Rng::with_seed(seed);
    let gateways = (0..PROCESSES).map(One::Gateway);
    let mut all: Vec<One> = gateways.chain((0..PROCESSES).map(One::Worker)).collect();
    random.shuffle(&mut all);
    let mut back = [
        One::Gateway(random.usize(..PROCESSES)),
        One::Worker(random.usize(..PROCESSES)),
    ];
    random.shuffle(&mut back);
    (all, back)
}

fn lost(problem: String) -> Findings {
    Findings {
        lost: vec![problem],
        ..Findings::default()
    }
}

/// Migrates a database by this tree's program.
fn migrate(rig: &Rig, database_url: &str) -> Result<(), String> {
    programs::use_millrace(None);
    let mut command = recipe::product_command("migrate", &rig.setup.directory);
    rig.setup.settings.give_to(&mut command);
    succeed(command.args(["--database-url", database_url])).map(|_| ())
}

/// Returns the migration that a program must know after the upgrade, and the last that the earlier one knows, if that is below it. It
/// finds out with a database like the rig's.
fn shut_out(rig: &Rig) -> Result<Option<(u32, u32)>, String> {
    let (url, _) = block_in_place(|| rig.postgres.new_database());
    let name = url.rsplit('/').next().expect("a name");
    let number = |sql: &str| -> Result<u32, String> {
        let said = block_in_place(|| rig.postgres.execute(name, sql));
        let digits = said.trim();
        digits.parse().map_err(|_| format!("{sql}: {digits}"))
    };
    let known = number("select max(substr(version, 2, 4)) from seaql_migrations")?;
    migrate(rig, &url)?;
    let lowest = number("select lowest from schema_compatibility")?;
    Ok((known < lowest).then_some((lowest, known)))
}

/// Upgrades with a pause, in which the earlier version must not start on the new schema.
fn stop_and_start(rig: &mut Rig, earlier: &Path) -> Injected {
    for index in 0..PROCESSES {
        rig.end(One::Gateway(index))?;
        rig.end(One::Worker(index))?;
    }
    migrate(rig, &rig.setup.database_url)?;
    programs::use_millrace(Some(earlier));
    for refused in [&["serve", "--listen", "127.0.0.1:0"][..], &["work"]] {
        let mut command = rig.setup.command(refused);
        let done = block_in_place(|| recipe::finish(&mut command));
        let said = String::from_utf8_lossy(&done.stderr);
        if done.status.code() != Some(1) || !said.contains("newer version") {
            let status = done.status;
            return Err(format!(
                "the earlier {} ended with {status}: {said}",
                refused[0]
            ));
        }
    }
    programs::use_millrace(None);
    for index in 0..PROCESSES {
        rig.restart_gateway(index);
        rig.restart_worker(index);
    }
    Ok(Instant::now())
}

/// Rebuilds the read model that has a rebuild, at rest: nothing may differ from what both versions have made.
async fn rebuild(rig: &Rig) -> Result<(), String> {
    let head = rig.sight.head(SOON).await?;
    rig.sight.await_followers(&head, SOON).await?;
    let said = succeed(&mut rig.setup.command(&["rebuild", "posts"]))?;
    match said.contains("equal, row by row") {
        true => Ok(()),
        false => Err(said),
    }
}

fn succeed(command: &mut std::process::Command) -> Result<String, String> {
    let done = block_in_place(|| recipe::finish(command));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    match done.status.success() {
        true => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
        false => Err(format!("{command:?} ended with {}: {said}", done.status)),
    }
}
