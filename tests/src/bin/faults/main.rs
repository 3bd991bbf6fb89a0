//! The fault rig as a command: `make faults FAULTS="--seed 7 --only redis-flushed,postgres-stopped --times 20"`. It prints a
//! line after each fault, and a table at the end; it exits with 1 if anything was lost, doubled or reordered. With the program of
//! an earlier version there are no faults, but an upgrade: `make upgrade`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tests::rig::{self, FAULTS, Length, Plan};

const USAGE: &str =
    "faults [--seed N] [--only FAULT,…] [--times N] [--long N] [--minutes N] [--list]
       faults --from PROGRAM [--seed N]
  --times N    how often faults that take a moment are injected (5)
  --long N     how often those that last ten seconds or more are (a quarter of that)
  --minutes N  no fault is begun after so many (15)
  --from PROGRAM  no faults: the processes are of this `millrace`, and are upgraded";

/// The largest number of problems that are printed.
const MOST_SHOWN: usize = 30;

enum Run {
    List,
    Faults(Plan),
    Upgrade(PathBuf, u64),
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Run, String> {
    let mut from = None;
    let mut plan = Plan {
        seed: fastrand::u64(..1_000_000),
        only: None,
        times: 5,
        times_long: 0,
        limit: Duration::from_secs(15 * 60),
        at_least: 1,
    };
    while let Some(name) = arguments.next() {
        if name == "--list" {
            return Ok(Run::List);
        }
        let value = arguments.next().ok_or(USAGE)?;
        let number = || {
            let parsed = value.parse::<u64>();
            parsed.map_err(|_| format!("{name} {value}: not a number\n{USAGE}"))
        };
        match name.as_str() {
            "--seed" => plan.seed = number()?,
            "--times" => plan.times = number()?.clamp(1, 1_000) as usize,
            "--long" => plan.times_long = number()?.clamp(1, 1_000) as usize,
            "--minutes" => plan.limit = Duration::from_secs(number()?.clamp(1, 180) * 60),
            // Processes are started elsewhere.
            "--from" => {
                let found = std::fs::canonicalize(&value);
                from = Some(found.map_err(|error| format!("{value}: {error}"))?);
            }
            "--only" => plan.only = Some(known(&value)?),
            _ => return Err(USAGE.into()),
        }
    }
    if plan.times_long == 0 {
        plan.times_long = (plan.times / 4).max(1);
    }
    Ok(match from {
        Some(program) => Run::Upgrade(program, plan.seed),
        None => Run::Faults(plan),
    })
}

fn known(names: &str) -> Result<Vec<String>, String> {
    let names = names.split(',').map(str::to_owned);
    names
        .map(
            |name| match FAULTS.iter().find(|fault| fault.name == name) {
                Some(_) => Ok(name),
                None => Err(format!("no fault is called {name}; see --list")),
            },
        )
        .collect()
}

fn list() {
    for fault in FAULTS {
        let length = match fault.length {
            Length::Moment => "",
            Length::Long => " (long)",
        };
        println!("{:<26} {}{length}", fault.name, fault.about);
    }
}

fn main() -> ExitCode {
    let run = match parse(std::env::args().skip(1)) {
        Ok(run) => run,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let tell = |line| eprintln!("{line}");
    let (table, what, seed) = match run {
        Run::List => {
            list();
            return ExitCode::SUCCESS;
        }
        Run::Faults(plan) => {
            let table = runtime.block_on(rig::run(&plan, tell));
            (table, "faults", plan.seed)
        }
        Run::Upgrade(earlier, seed) => {
            let table = runtime.block_on(rig::upgrade(&earlier, seed, tell));
            (table, "stages", seed)
        }
    };
    println!("\n{}", table.text());
    for problem in table.problems().iter().take(MOST_SHOWN) {
        println!("{problem}");
    }
    println!(
        "{} {what}, seed {seed}, {} problems",
        table.injections(),
        table.problems().len()
    );
    ExitCode::from(u8::from(!table.problems().is_empty()))
}
