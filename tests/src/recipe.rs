//! How the product's processes are started: the binary, its environment, its arguments, and the line by which it reports that
//! it is ready.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

use rustix::process::{Pid, Signal, kill_process};

use crate::process::Process;
use crate::waiting::SOON;
use crate::{programs, tokens};

/// Environment variables of the product's processes.
#[derive(Clone)]
pub struct Settings(pub BTreeMap<&'static str, String>);

impl Settings {
    /// Returns settings with cheap passwords, a known key, lenient limits for sign-ins, long-lived tokens, no admin
    /// listener, stops without a delay, and time for a test that a busy machine lets wait.
    pub fn of_tests() -> Self {
        let settings = [
            ("MILLRACE_TOKEN_KEYS", tokens::keys()),
            ("MILLRACE_ACCESS_TOKEN_LIFETIME", "12h".into()),
            ("MILLRACE_PASSWORD_MEMORY_KIB", "64".into()),
            ("MILLRACE_PASSWORD_ITERATIONS", "1".into()),
            ("MILLRACE_SIGN_IN_ATTEMPTS_PER_ACCOUNT", "100000".into()),
            ("MILLRACE_SIGN_IN_ATTEMPTS_PER_ADDRESS", "100000".into()),
            ("MILLRACE_DRAIN_DELAY", "0s".into()),
            ("MILLRACE_INIT_TIMEOUT", "30s".into()),
            ("MILLRACE_READ_AFTER_TIMEOUT", "30s".into()),
            ("MILLRACE_ADMIN_LISTEN", "off".into()),
        ];
        Self(settings.into())
    }

    pub fn set(&mut self, name: &'static str, value: &str) {
        self.0.insert(name, value.to_owned());
    }

    /// Leaves a setting at the product's default.
    pub fn leave(&mut self, name: &'static str) {
        self.0.remove(name);
    }

    /// Sets the environment of a command. Processes ignore settings that are not theirs.
    pub fn give_to(&self, command: &mut Command) {
        command.envs(&self.0);
    }
}

/// How a process is started and restarted.
pub(crate) struct Recipe {
    pub subcommand: &'static str,
    pub name: String,
    pub directory: PathBuf,
    pub settings: Settings,
    pub arguments: Vec<String>,
}

impl Recipe {
    fn command(&self, more: &[&str]) -> Command {
        let mut command = product_command(self.subcommand, &self.directory);
        self.settings.give_to(&mut command);
        command.args(&self.arguments).args(more);
        command
    }

    pub fn spawn(&self, more: &[&str]) -> Process {
        Process::spawn(&self.name, &self.directory, &mut self.command(more), "KILL")
    }

    pub fn serve(&self, listen: &str) -> (Process, SocketAddr) {
        serve(
            &self.name,
            &self.directory,
            &mut self.command(&["--listen", listen]),
        )
    }
}

/// Starts a gateway, and waits until it reports its address.
pub fn serve(name: &str, directory: &Path, command: &mut Command) -> (Process, SocketAddr) {
    let mut process = Process::spawn(name, directory, command, "KILL");
    let line = process.await_line("listening on http", SOON);
    let address = line
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    let address = address
        .map(|address| address.trim_end_matches('/'))
        .and_then(|address| address.parse().ok());
    (
        process,
        address.unwrap_or_else(|| panic!("no address in {line:?}")),
    )
}

/// Returns the product's command with a subcommand, isolated from this process's settings and from files nearby.
pub fn product_command(subcommand: &str, directory: &Path) -> Command {
    let mut command = Command::new(programs::millrace());
    command
        .arg(subcommand)
        .current_dir(directory)
        .env_remove("DATABASE_URL")
        .env_remove("REDIS_URL");
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MILLRACE_"))
    {
        command.env_remove(name);
    }
    command
}

/// Runs a command that should end soon, and returns its output. The output is read meanwhile, as a pipe holds little.
pub fn finish(command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("it does not start: {error}: {command:?}"));
    let pid = Pid::from_child(&child);
    let (tell, ended) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    // It may have much to do.
    let output = ended.recv_timeout(SOON * 3).unwrap_or_else(|_| {
        let _ = kill_process(pid, Signal::KILL);
        panic!("it does not end: {command:?}: {:?}", ended.recv());
    });
    output.expect("its output")
}
