//! A Redis (or Valkey) server for tests. The tests of a run share one, where each has a key prefix; tests that flush, stop or
//! kill it start another.

pub mod cluster;
pub mod sentinels;

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
    arguments: Vec<String>,
    password: Option<&'static str>,
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
        Self::start_with(None, &[])
    }

    /// Starts a server with a password and additional arguments.
    fn start_with(password: Option<&'static str>, additional: &[&str]) -> Self {
        let (home, port) = (guard::new_directory("redis"), free_port());
        let number = port.to_string();
        let own = ["--port", &number, "--bind", "127.0.0.1", "--save", ""];
        let kept = [
            "--appendonly",
            "no",
            "--dir",
            home.to_str().expect("a path"),
        ];
        let policy = ["--maxmemory-policy", "noeviction"];
        let arguments = [&own[..], &kept, &policy, additional].concat();
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Self::run(home, port, arguments, password)
    }

    fn run(
        home: PathBuf,
        port: u16,
        arguments: Vec<String>,
        password: Option<&'static str>,
    ) -> Self {
        let process = Mutex::new(run(&home, &arguments));
        let redis = Self {
            port,
            home,
            arguments,
            password,
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
        *self.process() = run(&self.home, &self.arguments);
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

    /// Returns how many processes read the streams of events.
    pub fn readers(&self) -> usize {
        self.ask(&["CLIENT", "LIST"])
            .concat()
            .matches(" cmd=xread ")
            .count()
    }

    /// Returns the last position in the streams of events under this prefix.
    pub fn last_position(&self, prefix: &str) -> u64 {
        let script = "local last = 0
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. ':*:part:*')) do
                for _, entry in ipairs(redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)) do
                    last = math.max(last, tonumber(string.match(entry[1], '^%d+')))
                end
            end
            return last";
        self.run_script(script, &[prefix])
    }

    /// Returns all texts of the answer to a command, or none when it does not answer.
    fn ask(&self, words: &[&str]) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(mut answer) = self.send(words) {
            read_texts(&mut answer, &mut texts);
        }
        texts
    }

    /// Returns the first line of the answer to a command.
    fn call(&self, words: &[&str]) -> Option<String> {
        let mut line = String::new();
        self.send(words)?.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    }

    /// Sends a command on a connection of its own, from which the answer can be read.
    fn send(&self, words: &[&str]) -> Option<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(SOON)).ok()?;
        let command = |words: &[&str]| {
            let words = words
                .iter()
                .map(|word| format!("${}\r\n{word}\r\n", word.len()));
            let words: Vec<String> = words.collect();
            format!("*{}\r\n{}", words.len(), words.concat())
        };
        let credentials = self.password.map(|password| command(&["AUTH", password]));
        let commands = credentials.clone().unwrap_or_default() + &command(words);
        stream.write_all(commands.as_bytes()).ok()?;
        let mut answer = BufReader::new(stream);
        if credentials.is_some() {
            answer.read_line(&mut String::new()).ok()?;
        }
        Some(answer)
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock()
    }
}

/// Adds the texts of one value of Redis's protocol. It ends where the connection does.
fn read_texts(answer: &mut impl BufRead, texts: &mut Vec<String>) {
    let mut line = String::new();
    if answer.read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let (kind, rest) = line.trim_end().split_at(1);
    let count = rest.parse().unwrap_or(0);
    match kind {
        "*" => (0..count).for_each(|_| read_texts(answer, texts)),
        "$" if rest != "-1" => {
            let mut bytes = vec![0; count + 2];
            if answer.read_exact(&mut bytes).is_ok() {
                texts.push(String::from_utf8_lossy(&bytes[..count]).into_owned());
            }
        }
        "$" => {}
        _ => texts.push(rest.to_owned()),
    }
}

fn run(home: &Path, arguments: &[String]) -> Process {
    let mut command = Command::new(&*programs::REDIS_SERVER);
    command.args(arguments);
    Process::spawn("redis", home, &mut command, "KILL")
}
