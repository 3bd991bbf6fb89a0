//! A child process that can be killed, paused and watched, and that never outlives its owner. Its output goes to files; their
//! last lines are shown when the test that owns the process fails.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::waiting::{SOON, eventually_blocking};
use crate::{guard, times};

/// The number of log lines that are shown when a test fails.
const SHOWN_LINES: usize = 60;

pub struct Process {
    name: String,
    child: Child,
    reaped: Option<ExitStatus>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts the process with its output in `directory`; `end` is the signal that ends it with this run, `QUIT` or `KILL`.
    pub fn spawn(name: &str, directory: &Path, command: &mut Command, end: &str) -> Self {
        let stdout = directory.join(format!("{name}.out"));
        let stderr = directory.join(format!("{name}.log"));
        let append = |path: &Path| {
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .expect("a log file")
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).expect("an output file"))
            .stderr(append(&stderr))
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}: {command:?}"));
        guard::watch(end, child.id());
        Self {
            name: name.into(),
            child,
            reaped: None,
            stdout,
            stderr,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the first line on standard output that contains `marker`, and returns it.
    pub fn await_line(&mut self, marker: &str, within: Duration) -> String {
        let what = format!("{} prints {marker:?}", self.name);
        eventually_blocking(&what, within, || {
            let text = std::fs::read_to_string(&self.stdout).unwrap_or_default();
            let complete = text.rfind('\n').map_or("", |end| &text[..end]);
            if let Some(line) = complete.lines().find(|line| line.contains(marker)) {
                return Some(line.to_owned());
            }
            let ended = self.try_wait();
            assert!(
                ended.is_none(),
                "{} ended with {ended:?} before it printed {marker:?}:\n{}",
                self.name,
                self.log_end()
            );
            None
        })
    }

    pub fn is_running(&mut self) -> bool {
        self.try_wait().is_none()
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        if self.reaped.is_none() {
            self.reaped = self.child.try_wait().expect("waiting for a child");
            if self.reaped.is_some() {
                guard::forget(self.child.id());
            }
        }
        self.reaped
    }

    /// Sends a signal, unless the process has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.is_running() {
            let pid = Pid::from_child(&self.child);
            kill_process(pid, signal).expect("a signal is sent");
        }
    }

    /// Sends SIGKILL, and waits until the process is gone.
    pub fn kill(&mut self) {
        if self.is_running() {
            times::note_process(self.pid());
        }
        self.signal(Signal::KILL);
        self.wait(SOON);
    }

    /// Sends SIGSTOP: the process keeps its connections and does nothing.
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    pub fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Sends SIGTERM; returns the exit status.
    pub fn terminate(&mut self, within: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait(within)
    }

    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let what = format!("{} ends", self.name);
        eventually_blocking(&what, within, || self.try_wait())
    }

    /// Returns the resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        resident_bytes(self.pid())
    }

    /// Returns the processor time that it has used.
    pub fn processor_time(&self) -> Duration {
        times::processor_time(self.pid())
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.stderr).unwrap_or_default()).into_owned()
    }

    /// Returns its output since it was started.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.stdout).unwrap_or_default()).into_owned()
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }
}

/// Returns the resident memory of any process, in bytes.
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap_or("VmRSS: 0 kB");
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- the end of {}'s log ---\n{}", self.name, self.log_end());
        }
        if self.try_wait().is_none() {
            times::note_process(self.child.id());
            let _ = self.child.kill();
            let _ = self.child.wait();
            guard::forget(self.child.id());
        }
    }
}
