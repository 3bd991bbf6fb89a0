//! A master and its replica under three sentinels, all with passwords: what Redis Sentinel is when it is small.

use super::Redis;
use crate::guard;
use crate::postgres::free_port;
use crate::waiting::{SOON, eventually_blocking};

/// With characters that need to be encoded in a URL.
const PASSWORD: &str = "redis/pass:word";
const WATCHERS: &str = "watchers/pass";
const NAME: &str = "millrace";

pub struct Sentinels {
    /// The first master, and its replica.
    pub servers: [Redis; 2],
    pub sentinels: Vec<Redis>,
}

impl Sentinels {
    pub fn start() -> Self {
        let credentials = ["--requirepass", PASSWORD, "--masterauth", PASSWORD];
        let start = |additional: &[&str]| {
            let arguments = [
                &credentials[..],
                &["--repl-diskless-sync-delay", "0"],
                additional,
            ];
            Redis::start_with(Some(PASSWORD), &arguments.concat())
        };
        let master = start(&[]);
        let of = format!("127.0.0.1 {}", master.port);
        let replica = start(&["--replicaof", &of]);
        eventually_blocking("the replica is in step", SOON, || {
            master.has_replica().then_some(())
        });
        let sentinels: Vec<_> = (0..3).map(|_| start_sentinel(master.port)).collect();
        for sentinel in &sentinels {
            eventually_blocking("a sentinel knows the others", SOON, || {
                let facts = sentinel.ask(&["SENTINEL", "MASTER", NAME]);
                let has = |name: &str, number: &str| {
                    facts
                        .windows(2)
                        .any(|pair| pair[0] == name && pair[1] == number)
                };
                (has("num-other-sentinels", "2") && has("num-slaves", "1")).then_some(())
            });
        }
        Self {
            servers: [master, replica],
            sentinels,
        }
    }

    /// Returns the URL that names them.
    pub fn url(&self) -> String {
        self.url_with(&[], NAME)
    }

    /// Returns a URL that names these ports first, and this master.
    pub fn url_with(&self, ports: &[u16], name: &str) -> String {
        let own = self.sentinels.iter().map(Redis::port);
        let ports = ports.iter().copied().chain(own);
        let hosts: Vec<_> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
        format!(
            "redis+sentinel://:{}@{}/{name}/0?sentinel_password={WATCHERS}",
            PASSWORD.replace('/', "%2F"),
            hosts.join(",")
        )
    }

    /// Makes the replica the master, though all is well.
    pub fn fail_over(&self) {
        let answer = self.sentinels[0].call(&["SENTINEL", "FAILOVER", NAME]);
        assert_eq!(answer.as_deref(), Some("+OK"));
    }
}

fn start_sentinel(master: u16) -> Redis {
    let (home, port) = (guard::new_directory("sentinel"), free_port());
    let settings = format!(
        "port {port}
bind 127.0.0.1
dir {}
requirepass {WATCHERS}
sentinel monitor {NAME} 127.0.0.1 {master} 2
sentinel auth-pass {NAME} {PASSWORD}
sentinel down-after-milliseconds {NAME} 1000
sentinel failover-timeout {NAME} 3000
",
        home.display()
    );
    let file = home.join("sentinel.conf");
    std::fs::write(&file, settings).expect("the settings are written");
    let arguments = vec![file.display().to_string(), "--sentinel".to_owned()];
    Redis::run(home, port, arguments, Some(WATCHERS))
}

impl Redis {
    /// Returns whether a replica follows it.
    pub fn has_replica(&self) -> bool {
        let info = self.ask(&["INFO", "replication"]).concat();
        info.contains("role:master") && info.contains("state=online")
    }

    /// Has it follow another.
    pub fn follow(&self, master: &Redis) {
        let answer = self.call(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
        assert_eq!(answer.as_deref(), Some("+OK"));
    }

    /// Has it follow nobody.
    pub fn follow_nobody(&self) {
        let answer = self.call(&["REPLICAOF", "NO", "ONE"]);
        assert_eq!(answer.as_deref(), Some("+OK"));
    }

    /// Lets nobody ask what it is.
    pub fn say_nothing(&self) {
        let answer = self.call(&["ACL", "SETUSER", "default", "-info", "-role"]);
        assert_eq!(answer.as_deref(), Some("+OK"));
    }

    /// Lets nobody make it a replica, as if it were cut off from those who would.
    pub fn stay_master(&self) {
        let answer = self.call(&["ACL", "SETUSER", "default", "-replicaof", "-slaveof"]);
        assert_eq!(answer.as_deref(), Some("+OK"));
    }
}
