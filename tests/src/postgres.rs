//! A Postgres server for tests, on a free port. The tests of a run share one, where each has a database cloned from a migrated
//! template; it does not wait for the disk. Tests that stop or kill it start another, with default settings.

mod standbys;

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::certificates::Files;
use crate::people::Person;
use crate::process::Process;
use crate::waiting::{SOON, eventually_blocking};
use crate::{guard, programs, template, times};

pub use self::standbys::{Stopped, url_of};

const TEMPLATE: &str = "millrace_template";

pub struct Postgres {
    data: PathBuf,
    port: u16,
    user: Option<User>,
    durability: Durability,
    process: Mutex<Process>,
    template: OnceLock<Person>,
}

/// The durability of a server's commits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// The default durability.
    Full,
    /// Nothing waits for the disk, as nobody crashes the server. Databases are then copied as files, which otherwise costs two
    /// checkpoints each.
    None,
}

/// The user that runs Postgres if the tests run as root, as Postgres refuses to run as root.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// Returns the server that tests share if they do not harm it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start_with(Durability::None))
    }

    /// Starts a server for one test, which may stop and restart it.
    pub fn start() -> Self {
        Self::start_with(Durability::Full)
    }

    fn start_with(durability: Durability) -> Self {
        let home = guard::new_directory("postgres");
        let data = home.join("data");
        let user = rustix::process::geteuid().is_root().then(unprivileged_user);
        if let Some(user) = user {
            chown(&home, Some(user.uid), Some(user.gid)).expect("root gives the directory away");
        }
        let made = as_user(user, &programs::POSTGRES_BIN.join("initdb"))
            .args([
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .current_dir(&home)
            .output()
            .expect("initdb starts");
        assert!(
            made.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = free_port();
        let process = Mutex::new(run(&data, port, user, durability));
        let postgres = Self {
            data,
            port,
            user,
            durability,
            process,
            template: OnceLock::new(),
        };
        postgres.await_ready();
        postgres
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    /// Returns the processor time of the server and of its connections so far.
    pub fn processor_time(&self) -> Duration {
        times::family_time(self.pid())
    }

    /// Creates a database with the product's tables and an administrator; returns its URL and the administrator.
    pub fn new_database(&self) -> (String, Person) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Cloning requires a template that nobody else uses at the moment.
        static CLONING: Mutex<()> = Mutex::new(());
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let _cloning = CLONING.lock();
        let admin = self.template.get_or_init(|| self.make_template());
        let strategy = match self.durability {
            Durability::Full => "wal_log",
            Durability::None => "file_copy",
        };
        let statement = format!("create database {name} template {TEMPLATE} strategy {strategy}");
        self.execute("postgres", &statement);
        (self.url(&name), admin.clone())
    }

    /// Returns whether it is the shared server.
    pub(crate) fn is_shared(&self) -> bool {
        self.durability == Durability::None
    }

    /// Drops a database that is no longer needed, with its remaining connections. Otherwise Postgres would maintain hundreds of
    /// them for the rest of the run.
    pub(crate) fn drop_database(&self, name: &str) {
        let statement = format!("drop database if exists {name} with (force)");
        self.execute("postgres", &statement);
    }

    /// Creates a database without tables; returns its URL.
    pub fn empty_database(&self, name: &str) -> String {
        self.execute("postgres", &format!("create database {name}"));
        self.url(name)
    }

    fn make_template(&self) -> Person {
        let url = self.empty_database(TEMPLATE);
        let admin = template::prepare(&url, &guard::new_directory("template-distributed"));
        let busy = format!("select count(*) from pg_stat_activity where datname = '{TEMPLATE}'");
        eventually_blocking("the template is idle", SOON, || {
            (self.execute("postgres", &busy) == "0").then_some(())
        });
        admin
    }

    /// Makes Postgres the owner of a directory, as a tablespace requires.
    pub fn give(&self, directory: &Path) {
        if let Some(user) = self.user {
            chown(directory, Some(user.uid), Some(user.gid)).expect("root gives it away");
        }
    }

    /// Returns the command of a program that the server's user runs, as such programs refuse to run as root.
    pub(crate) fn as_its_user(&self, program: &Path) -> Command {
        as_user(self.user, program)
    }

    /// Has it speak TLS as well, with copies of the files in its own directory.
    pub fn speak_tls(&self, files: &Files) {
        for (file, name) in [
            (&files.certificate, "server.crt"),
            (&files.key, "server.key"),
        ] {
            let copy = self.data.join(name);
            std::fs::copy(file, &copy).expect("the file is copied");
            std::fs::set_permissions(&copy, Permissions::from_mode(0o600)).expect("its mode");
            self.give(&copy);
        }
        self.execute("postgres", "alter system set ssl = on");
        self.execute("postgres", "select pg_reload_conf()");
    }

    /// Runs a statement, and returns its output. A standby may cancel it when what it replays is in the way; then it runs again.
    pub fn execute(&self, database: &str, statement: &str) -> String {
        eventually_blocking("the statement is not cancelled", SOON, || {
            let output = self.psql(database, statement);
            let errors = String::from_utf8_lossy(&output.stderr);
            if errors.contains("due to conflict with recovery") {
                return None;
            }
            assert!(output.status.success(), "{statement}: {errors}");
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        })
    }

    fn psql(&self, database: &str, statement: &str) -> Output {
        Command::new(programs::POSTGRES_BIN.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(["-d", &self.url(database), "-c", statement])
            .stdin(Stdio::null())
            .output()
            .expect("psql starts")
    }

    /// Ends the server as a crash would: without a shutdown checkpoint, and with its clients cut off.
    pub fn crash(&self) {
        let mut process = self.process();
        process.signal(rustix::process::Signal::QUIT);
        process.wait(SOON);
    }

    /// Starts the server again with its data, at its port.
    pub fn restart(&self) {
        *self.process() = run(&self.data, self.port, self.user, self.durability);
        self.await_ready();
    }

    fn await_ready(&self) {
        eventually_blocking("Postgres accepts connections", SOON, || {
            assert!(
                self.process().is_running(),
                "Postgres ended: {}",
                self.process().log()
            );
            Command::new(programs::POSTGRES_BIN.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .is_ok_and(|status| status.success())
                .then_some(())
        });
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock()
    }
}

fn run(data: &Path, port: u16, user: Option<User>, durability: Durability) -> Process {
    let home = data.parent().expect("data has a parent");
    let mut command = as_user(user, &programs::POSTGRES_BIN.join("postgres"));
    command.current_dir(home).arg("-D").arg(data).args([
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "max_connections=1000",
    ]);
    if durability == Durability::None {
        command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
    }
    command.args([
        "-c",
        &format!("port={port}"),
        "-c",
        &format!("unix_socket_directories={}", home.display()),
    ]);
    Process::spawn("postgres", home, &mut command, "QUIT")
}

fn as_user(user: Option<User>, program: &Path) -> Command {
    let Some(user) = user else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={}", user.uid))
        .arg(format!("--regid={}", user.gid))
        .arg("--clear-groups")
        .arg(program);
    command
}

/// Returns the user `postgres`, or `nobody`.
fn unprivileged_user() -> User {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let mut fields = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?
            .split(':')
            .skip(2);
        Some(User {
            uid: fields.next()?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .expect("a user postgres or nobody to run Postgres as")
}

/// Returns a port that is free now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}
