//! Standbys of a server for tests: they stream from it, also synchronously, and are promoted. And what befalls a primary meanwhile:
//! with all its processes it is killed, or stops for a while.

use std::os::unix::fs::chown;
use std::sync::OnceLock;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

use super::{Postgres, as_user, free_port, run};
use crate::waiting::{SOON, eventually_blocking};
use crate::{guard, programs};

/// A server that is stopped; it goes on when this is dropped.
pub struct Stopped {
    server: Pid,
    children: Vec<Pid>,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for pid in &self.children {
            let _ = kill_process(*pid, Signal::CONT);
            guard::forget(pid.as_raw_nonzero().get().unsigned_abs());
        }
        let _ = kill_process(self.server, Signal::CONT);
    }
}

impl Postgres {
    /// Starts a standby of this server, which streams from it asynchronously.
    pub fn standby(&self) -> Self {
        let home = guard::new_directory("standby");
        let data = home.join("data");
        if let Some(user) = self.user {
            chown(&home, Some(user.uid), Some(user.gid)).expect("root gives the directory away");
        }
        let made = as_user(self.user, &programs::POSTGRES_BIN.join("pg_basebackup"))
            .args([
                "-R",
                "-c",
                "fast",
                "--no-sync",
                "-U",
                "postgres",
                "-h",
                "127.0.0.1",
            ])
            .args(["-p", &self.port.to_string(), "-D"])
            .arg(&data)
            .current_dir(&home)
            .output()
            .expect("pg_basebackup starts");
        assert!(
            made.status.success(),
            "pg_basebackup failed: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = free_port();
        let standby = Self {
            process: Mutex::new(run(&data, port, self.user, self.durability)),
            data,
            port,
            user: self.user,
            durability: self.durability,
            template: OnceLock::new(),
        };
        standby.await_ready();
        standby
    }

    /// Waits until this standby has what its primary has now.
    pub fn await_all_of(&self, primary: &Self) {
        let written = primary.execute("postgres", "select pg_current_wal_lsn()");
        let statement = format!("select pg_last_wal_replay_lsn() >= '{written}'");
        eventually_blocking("the standby has it all", SOON, || {
            (self.execute("postgres", &statement) == "t").then_some(())
        });
    }

    /// Ends the replication: later commits of the primary do not arrive here.
    pub fn follow_no_more(&self) {
        for statement in [
            "alter system set primary_conninfo = ''",
            "select pg_reload_conf()",
        ] {
            self.execute("postgres", statement);
        }
        let receivers = "select count(*) from pg_stat_wal_receiver";
        eventually_blocking("nothing is received", SOON, || {
            (self.execute("postgres", receivers) == "0").then_some(())
        });
    }

    /// Starts a standby again at another port, such as that of its primary, which must have ended. It is still a standby.
    pub fn move_to(mut self, port: u16) -> Self {
        self.crash();
        self.port = port;
        self.restart();
        self
    }

    /// Promotes a standby to primary, at the port of the earlier one, which must have ended.
    pub fn take_over(self, port: u16) -> Self {
        let standby = self.move_to(port);
        standby.execute("postgres", "select pg_promote()");
        standby
    }

    /// Makes the commits of this server wait for its standby.
    pub fn wait_for_standby(&self) {
        for statement in [
            "alter system set synchronous_standby_names = '*'",
            "select pg_reload_conf()",
        ] {
            self.execute("postgres", statement);
        }
        let synchronous = "select count(*) from pg_stat_replication where sync_state = 'sync'";
        eventually_blocking("the standby is synchronous", SOON, || {
            (self.execute("postgres", synchronous) == "1").then_some(())
        });
    }

    /// Promotes a standby where it is, whatever became of its primary.
    pub fn promote(&self) {
        assert_eq!(self.execute("postgres", "select pg_promote()"), "t");
    }

    /// Has the server refuse writes, or accept them again, also in sessions that exist.
    pub fn fence(&self, is_fenced: bool) {
        let value = if is_fenced { "on" } else { "off" };
        let set = format!("alter system set default_transaction_read_only = {value}");
        for statement in [set.as_str(), "select pg_reload_conf()"] {
            self.execute("postgres", statement);
        }
    }

    /// Ends the connections of the product; returns how many there were.
    pub fn end_connections(&self) -> usize {
        let statement = "select count(pg_terminate_backend(pid)) from pg_stat_activity
            where application_name = 'millrace'";
        let ended = self.execute("postgres", statement);
        ended.parse().expect("a number")
    }

    /// Kills the server and all its processes with SIGKILL.
    pub fn kill(&self) {
        let children = self.children();
        self.process().kill();
        for pid in children {
            // Most have ended with it.
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Stops the server and all its processes with SIGSTOP: connections are accepted, and nothing is answered.
    pub fn stop(&self) -> Stopped {
        self.process().pause();
        let children = self.children();
        for pid in &children {
            guard::watch("KILL", pid.as_raw_nonzero().get().unsigned_abs());
            // A connection may have ended just now.
            let _ = kill_process(*pid, Signal::STOP);
        }
        let server = Pid::from_raw(self.pid().cast_signed()).expect("a process");
        Stopped { server, children }
    }

    fn children(&self) -> Vec<Pid> {
        let pid = self.pid();
        let children = format!("/proc/{pid}/task/{pid}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        let pids = children.split_whitespace();
        pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
            .collect()
    }
}

/// Returns the URL that names several servers.
pub fn url_of(servers: &[&Postgres], database: &str) -> String {
    let hosts = servers
        .iter()
        .map(|server| format!("127.0.0.1:{}", server.port));
    let hosts = hosts.collect::<Vec<_>>().join(",");
    format!("postgres://postgres@{hosts}/{database}")
}
