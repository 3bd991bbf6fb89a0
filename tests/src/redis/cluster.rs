//! A Redis Cluster of three masters, of which one has a replica: the one that has the keys of a test.

use super::Redis;
use crate::postgres::free_port;
use crate::waiting::{SOON, eventually_blocking};

const SLOTS: usize = 16_384;
const MASTERS: usize = 3;

pub struct Cluster {
    /// The masters, and the replica of one.
    pub nodes: Vec<Redis>,
}

impl Cluster {
    pub fn start() -> Self {
        let nodes = (0..MASTERS).map(|_| start_node()).collect();
        let mut cluster = Self { nodes: Vec::new() };
        for (number, node) in Vec::into_iter(nodes).enumerate() {
            let range = [SLOTS * number / MASTERS, SLOTS * (number + 1) / MASTERS - 1];
            let [first, last] = range.map(|slot| slot.to_string());
            is_ok(&node, &["ADDSLOTSRANGE", &first, &last]);
            is_ok(&node, &["SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            cluster.join(node);
        }
        cluster
    }

    /// Adds a node, and waits until all know each other.
    fn join(&mut self, node: Redis) {
        if let Some(first) = self.nodes.first() {
            let [port, bus] = [first.port, bus_port(first)].map(|port| port.to_string());
            is_ok(&node, &["MEET", "127.0.0.1", &port, &bus]);
        }
        self.nodes.push(node);
        let known = format!("cluster_known_nodes:{}\r", self.nodes.len());
        for node in &self.nodes {
            eventually_blocking("the nodes know each other", SOON, || {
                let info = node.ask(&["CLUSTER", "INFO"]).concat();
                let is_whole = self.nodes.len() < MASTERS || info.contains("cluster_state:ok");
                (is_whole && info.contains(&known)).then_some(())
            });
        }
    }

    /// Returns the URL that names the masters.
    pub fn url(&self) -> String {
        let nodes = self.nodes.iter().take(MASTERS);
        let hosts: Vec<_> = nodes
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Returns the number of the master that began with the keys under this prefix, which gets a replica, the last node.
    pub fn replicate(&mut self, prefix: &str) -> usize {
        let owner = self.slot(prefix) * MASTERS / SLOTS;
        self.join(start_node());
        let replica = self.nodes.last().expect("a node");
        let master = &self.nodes[owner];
        is_ok(replica, &["REPLICATE", &id(master)]);
        eventually_blocking("the replica is in step", SOON, || {
            master.has_replica().then_some(())
        });
        owner
    }

    /// Makes the replica the master.
    pub fn fail_over(&self) {
        is_ok(self.nodes.last().expect("a node"), &["FAILOVER"]);
    }

    /// Moves the slot of the keys under this prefix, with all keys.
    pub fn move_slot(&self, prefix: &str, from: usize, to: usize) {
        let slot = self.slot(prefix).to_string();
        let (from, to) = (&self.nodes[from], &self.nodes[to]);
        is_ok(to, &["SETSLOT", &slot, "IMPORTING", &id(from)]);
        is_ok(from, &["SETSLOT", &slot, "MIGRATING", &id(to)]);
        let port = to.port.to_string();
        loop {
            let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
            if keys.is_empty() {
                break;
            }
            for key in keys {
                let answer = from.call(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]);
                assert!(
                    matches!(answer.as_deref(), Some("+OK" | "+NOKEY")),
                    "{answer:?}"
                );
            }
        }
        for node in [to, from] {
            is_ok(node, &["SETSLOT", &slot, "NODE", &id(to)]);
        }
    }

    /// Returns the slot of the keys under this prefix.
    fn slot(&self, prefix: &str) -> usize {
        let key = format!("{{{prefix}}}");
        let slot = self.nodes[0].ask(&["CLUSTER", "KEYSLOT", &key]);
        slot[0].parse().expect("a number")
    }
}

fn start_node() -> Redis {
    let bus = free_port().to_string();
    let arguments = [
        ["--cluster-enabled", "yes"],
        ["--cluster-config-file", "nodes.conf"],
        ["--cluster-node-timeout", "1000"],
        ["--repl-diskless-sync-delay", "0"],
        ["--cluster-port", &bus],
    ];
    Redis::start_with(None, arguments.as_flattened())
}

fn bus_port(node: &Redis) -> u16 {
    let port = node.ask(&["CONFIG", "GET", "cluster-port"]);
    port[1].parse().expect("a port")
}

fn id(node: &Redis) -> String {
    node.ask(&["CLUSTER", "MYID"]).concat()
}

/// Gives a command of the cluster until it is taken: it may name a node that this one does not know yet.
fn is_ok(node: &Redis, words: &[&str]) {
    let words = [&["CLUSTER"], words].concat();
    eventually_blocking(&words.join(" "), SOON, || {
        (node.call(&words).as_deref() == Some("+OK")).then_some(())
    });
}
