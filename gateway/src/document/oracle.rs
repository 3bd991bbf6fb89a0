//! Compares with graphql-js: `tests/js/oracle.mjs` draws documents, over the gateway's schema for the verdicts of validation, and
//! over a small schema, served here and there by the same resolvers, for answers. Thousands are drawn each time; `ORACLE=n`
//! draws n documents, and `ORACLE_SEED=n` different ones.

mod answers;
mod verdicts;
mod world;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// The output lines of one run of the oracle. It is one process, however many documents it draws.
struct Oracle {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    /// The file with the schema's text.
    file: PathBuf,
}

impl Oracle {
    fn start(mode: &str, sdl: &str, usual: u64) -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let count: u64 = number("ORACLE").unwrap_or(usual);
        let seed: u64 = number("ORACLE_SEED").unwrap_or(1);
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/js");
        let installed = scripts.join("node_modules/graphql").exists();
        assert!(installed, "run `npm ci` in tests/js first");
        let name = format!("millrace-oracle-{mode}-{}.graphql", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, sdl).expect("a file for the schema");
        let mut process = Command::new("node")
            .arg("oracle.mjs")
            .arg(mode)
            .arg(&file)
            .args([seed.to_string(), count.to_string()])
            .current_dir(scripts)
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let output = process.stdout.take().expect("its output");
        Self {
            process,
            lines: BufReader::new(output).lines(),
            file,
        }
    }
}

impl Iterator for Oracle {
    type Item = serde_json::Value;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(line) = self.lines.next() else {
            let ended = self.process.wait().expect("it has ended");
            assert!(ended.success(), "the oracle failed");
            return None;
        };
        let line = line.expect("a line");
        Some(serde_json::from_str(&line).expect("JSON"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Fails with the first of the differences.
fn assert_none(differing: &[String], compared: usize) {
    assert!(compared > 0, "nothing was compared");
    let shown = differing.iter().take(12).cloned().collect::<Vec<_>>();
    assert!(
        differing.is_empty(),
        "{} of {compared} differ:\n{}",
        differing.len(),
        shown.join("\n")
    );
}
