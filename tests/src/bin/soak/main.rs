//! A soak as a command: `make soak SOAK="--minutes 20 --seed 7"`. It prints a line for each sample and a table at the end; it exits with 1
//! if anything grew, or was lost, doubled or reordered.

use std::process::ExitCode;
use std::time::Duration;

use tests::rig::Soak;

const USAGE: &str = "soak [--minutes N] [--seed N]
  --minutes N  how long it lasts (20)";

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Soak> {
    let (mut minutes, mut seed) = (20, fastrand::u64(..1_000_000));
    while let Some(name) = arguments.next() {
        let number: u64 = arguments.next()?.parse().ok()?;
        match name.as_str() {
            "--minutes" => minutes = number.clamp(1, 180),
            "--seed" => seed = number,
            _ => return None,
        }
    }
    Some(Soak {
        seed,
        duration: Duration::from_secs(minutes * 60),
        interval: Duration::from_secs(5),
    })
}

fn main() -> ExitCode {
    let Some(soak) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    println!("seed {}", soak.seed);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let soaked = runtime.block_on(soak.run(|line| println!("{line}")));
    println!("\n{}", soaked.text());
    println!("{} visits, {} events", soaked.visits, soaked.events);
    let problems = soaked.problems();
    for problem in &problems {
        println!("{problem}");
    }
    match problems.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
