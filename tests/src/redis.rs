//! A Redis (or Valkey) server for tests. The tests of a run share one, where each has a key prefix; tests that flush, stop or
//! kill it start another.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use parking_lot::{Mutex, MutexGuard};

use crate::certificates::Files;
use crate::postgres::free_port;
use crate::process::Process;
use crate::waiting::{SOON, eventually_blocking};
use crate::{guard, programs};

pub struct Redis {
    port: u16,
    home: PathBuf,
    process: Mutex<Process>,
}

impl Redis {
    /// Returns the server that tests share if they do not harm it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Redis> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server for one test. It keeps nothing over a restart.
    pub fn start() -> Self {
        let home = guard::new_directory("redis");
        let port = free_port();
        let process = Mutex::new(run(&home, port));
        let redis = Self {
            port,
            home,
            process,
        };
        redis.await_ready();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Deletes all keys.
    pub fn flush_all(&self) {
        assert_eq!(self.command("FLUSHALL").as_deref(), Some("+OK"));
    }

    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    /// Returns the number of keys.
    pub fn key_count(&self) -> u64 {
        self.command("DBSIZE")
            .and_then(|line| line.strip_prefix(':')?.parse().ok())
            .expect("DBSIZE answers a number")
    }

    /// Sends SIGSTOP: connections stay open and nothing is answered.
    pub fn pause(&self) {
        self.process().pause();
    }

    pub fn resume(&self) {
        self.process().resume();
    }

    /// Ends the server; connections are then refused.
    pub fn kill(&self) {
        self.process().kill();
    }

    /// Starts it again at its port, empty.
    pub fn restart(&self) {
        *self.process() = run(&self.home, self.port);
        self.await_ready();
    }

    fn await_ready(&self) {
        eventually_blocking("Redis answers", SOON, || {
            assert!(
                self.process().is_running(),
                "Redis ended: {}",
                self.process().log()
            );
            (self.command("PING").as_deref() == Some("+PONG")).then_some(())
        });
    }

    /// Returns the first line of the answer to a command of one word.
    fn command(&self, command: &str) -> Option<String> {
        self.call(&[command])
    }

    /// Limits the memory; 0 removes the limit.
    pub fn set_max_memory(&self, bytes: u64) {
        let answer = self.call(&["CONFIG", "SET", "maxmemory", &bytes.to_string()]);
        assert_eq!(answer.as_deref(), Some("+OK"));
    }

    /// Has it speak TLS as well; returns the port.
    pub fn speak_tls(&self, files: &Files, authority: &Path) -> u16 {
        let port = free_port();
        let text = |path: &Path| path.to_str().expect("a path").to_owned();
        let (certificate, key, authority) =
            (text(&files.certificate), text(&files.key), text(authority));
        let answer = self.call(&[
            "CONFIG",
            "SET",
            "tls-auth-clients",
            "no",
            "tls-cert-file",
            &certificate,
            "tls-key-file",
            &key,
            "tls-ca-cert-file",
            &authority,
            "tls-port",
            &port.to_string(),
        ]);
        assert_eq!(answer.as_deref(), Some("+OK"));
        port
    }

    /// Runs a Lua script with these arguments; returns the number that it answers with.
    pub fn run_script(&self, script: &str, arguments: &[&str]) -> u64 {
        let command = [&["EVAL", script, "0"], arguments].concat();
        let answer = self.call(&command);
        let number = answer.as_deref().and_then(|line| line.strip_prefix(':'));
        number
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("the script answers {answer:?}"))
    }

    /// Returns the first line of the answer to a command.
    fn call(&self, words: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(SOON)).ok()?;
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.write_all(command.as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock()
    }
}

fn run(home: &PathBuf, port: u16) -> Process {
    let mut command = Command::new(&*programs::REDIS_SERVER);
    command
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
        ])
        .arg(home);
    command.args(["--maxmemory-policy", "noeviction"]);
    Process::spawn("redis", home, &mut command, "KILL")
}
