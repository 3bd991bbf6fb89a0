//! The archive: whole whenever the process was killed, the same as the log, and checked before anything is pruned for it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tests::process::Process;
use tests::{Setup, customers, database, eventually, extent};

use super::{SOON, command, head, output, pruned, run, seed};

fn manifest(directory: &Path) -> Value {
    let bytes = std::fs::read(directory.join("manifest.json")).expect("a manifest");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// All lines of the archives in this directory, of whatever epoch.
pub fn lines_of_all(directory: &Path) -> Vec<String> {
    let below = std::fs::read_dir(directory).into_iter().flatten();
    let below = below.map(|entry| entry.expect("an entry").path());
    let folders = std::iter::once(directory.to_owned()).chain(below);
    let archives = folders.filter(|it| it.join("manifest.json").is_file());
    archives.flat_map(|it| lines(&it)).collect()
}

fn lines(directory: &Path) -> Vec<String> {
    let files = manifest(directory)["files"]
        .as_array()
        .expect("files")
        .clone();
    let mut lines = Vec::new();
    for file in files {
        let path = directory.join(file["name"].as_str().expect("a name"));
        let unpacked = Command::new("gzip").arg("-dc").arg(&path).output();
        let unpacked = unpacked.expect("gzip is there");
        assert!(unpacked.status.success(), "{path:?}");
        let text = String::from_utf8(unpacked.stdout).expect("text");
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}

/// The manifest and the files say the same, and there is nothing else.
fn check(directory: &Path, first: u64) -> u64 {
    let mut next = first;
    let manifest = manifest(directory);
    let files = manifest["files"].as_array().expect("files");
    for file in files {
        assert_eq!(file["first"], next, "{manifest}");
        next = file["last"].as_u64().expect("a position") + 1;
        let path = directory.join(file["name"].as_str().expect("a name"));
        let sum = Command::new("sha256sum")
            .arg(&path)
            .output()
            .expect("sha256sum is there");
        let sum = String::from_utf8_lossy(&sum.stdout).into_owned();
        assert!(
            sum.starts_with(file["sha256"].as_str().expect("a sum")),
            "{path:?}"
        );
    }
    let there = std::fs::read_dir(directory).expect("the directory");
    let there = there.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().contains(".jsonl.gz")
    });
    assert_eq!(there.count(), files.len());
    next - 1
}

async fn whole_whenever_it_was_killed(setup: Setup) {
    let directory = setup.directory.join("archive");
    let text = directory.display().to_string();
    let flags = ["--older-than", "0s", "--to", &text];
    let mut killed = 0;
    let turns = extent::of(5, 8);
    for turn in 0..turns {
        seed(&setup, 1_500);
        let mut process = Process::spawn(
            &format!("archive-{turn}"),
            &setup.directory,
            &mut command(&setup, "archive", &flags),
            "KILL",
        );
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..600))).await;
        killed += u32::from(process.is_running());
        tokio::task::block_in_place(|| process.kill());
    }
    let printed = run(&setup, "archive", &flags);
    println!("killed {killed} of {turns} before they ended; {printed}");
    let database = setup.database().await;
    let last = head(&database).await;
    assert_eq!(check(&directory, 1), last, "{printed}");
    let printed = run(&setup, "archive", &flags);
    assert!(
        printed.contains("archived 0 events in 0 files"),
        "{printed}"
    );
    // Event by event what the log has.
    let log = database::log(&database).await;
    let lines = lines(&directory);
    assert_eq!(lines.len(), log.len());
    for (line, entry) in lines.iter().zip(log) {
        let event: Value = serde_json::from_str(line).expect("an event");
        assert_eq!(event["position"].as_u64(), entry.position);
        assert_eq!(event["type"], entry.kind.as_str());
        assert_eq!(event["version"].as_u64(), Some(entry.version));
        assert_eq!(event["data"], entry.data);
        assert_eq!(event["meta"], entry.meta);
    }
}

async fn checked_before_it_is_relied_on(setup: Setup) {
    let directory = setup.directory.join("archive");
    let text = directory.display().to_string();
    let archive = ["--older-than", "0s", "--to", &text];
    let prune = ["--older-than", "0s", "--archived-in", &text];
    let app = setup.start();
    let database = setup.database().await;
    for number in 0..30 {
        customers::create(app.client(), "Early", &format!("{number}@example.com")).await;
    }
    let printed = run(&setup, "prune", &prune);
    assert!(printed.contains("not in the archive"), "{printed}");
    assert_eq!(pruned(&database).await, 0);
    run(&setup, "archive", &archive);
    let last = check(&directory, 1);
    for number in 0..10 {
        customers::create(app.client(), "Late", &format!("late{number}@example.com")).await;
    }
    let file = directory.join(
        manifest(&directory)["files"][0]["name"]
            .as_str()
            .expect("a name"),
    );
    let good = std::fs::read(&file).expect("a file");
    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&file, &damaged).expect("damage");
    let refused = output(&setup, "prune", &prune);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("damaged"),
        "{said}"
    );
    assert_eq!(pruned(&database).await, 0);
    std::fs::write(&file, &good).expect("repair");
    eventually("what is in the archive is pruned", SOON, async || {
        let printed = run(&setup, "prune", &prune);
        (pruned(&database).await == last && printed.contains("not in the archive")).then_some(())
    })
    .await;
    // It goes on, and what it has can be removed: the next begins behind what was pruned.
    run(&setup, "archive", &archive);
    assert!(check(&directory, 1) >= last + 10);
    let elsewhere = setup.directory.join("elsewhere").display().to_string();
    run(
        &setup,
        "archive",
        &["--older-than", "0s", "--to", &elsewhere],
    );
    assert!(check(Path::new(&elsewhere), last + 1) >= last + 10);
}

tests::both_ways!(whole_whenever_it_was_killed, checked_before_it_is_relied_on);
