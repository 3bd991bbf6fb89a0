//! The servers: the gateway, and its peers, which do not authenticate. They take the same documents, except for lists, which
//! are connections in Millrace.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use tests::Gateway;
use tests::graphql::Client;
use tests::guard;
use tests::http;
use tests::postgres::Postgres;
use tests::process::Process;
use tests::programs::{NODE, product, repository};
use tests::redis::Redis;

use crate::stores::Store;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Millrace,
    Mercurius,
    /// The libraries that Millrace is built on, used as in their documentation. It answers queries only.
    Stock,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Millrace, Self::Mercurius, Self::Stock];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Millrace => "millrace",
            Self::Mercurius => "mercurius",
            Self::Stock => "stock",
        }
    }

    pub fn runs(self, workload: &str) -> bool {
        match workload {
            "q1" | "q2" | "q3" => true,
            "chat" => self == Self::Millrace,
            _ => self != Self::Stock,
        }
    }

    /// Starts a server with this data.
    pub fn start(self, store: &Store) -> Server<'_> {
        let running = match (self, &store.setup) {
            (Self::Millrace, Some(setup)) => {
                Running::Gateway(Box::new(setup.gateway(&["--customer-cache-capacity", "0"])))
            }
            (Self::Stock, _) => start_peer(self, &mut Command::new(product("stock")), store),
            _ => {
                let home = repository().join("tests/bench/mercurius");
                assert!(
                    home.join("node_modules").exists(),
                    "run `npm ci` in {}, or `make bench`",
                    home.display()
                );
                let mut command = Command::new(&*NODE);
                command.arg("server.mjs").current_dir(home);
                start_peer(self, command.env("NODE_ENV", "production"), store)
            }
        };
        Server {
            kind: self,
            store,
            running,
            head: OnceCell::new(),
        }
    }
}

fn start_peer(kind: Kind, command: &mut Command, store: &Store) -> Running {
    command
        .env("DATABASE_URL", Postgres::shared().url(&store.database))
        .env("REDIS_URL", Redis::shared().url());
    let mut process = Process::spawn(kind.name(), guard::directory(), command, "KILL");
    let line = process.await_line("listening on http://", Duration::from_secs(60));
    let address = line
        .rsplit("http://")
        .next()
        .and_then(|address| address.parse().ok())
        .expect("an address");
    Running::Peer(process, address)
}

enum Running {
    Gateway(Box<Gateway>),
    Peer(Process, SocketAddr),
}

/// A running server, which ends when dropped.
pub struct Server<'a> {
    pub kind: Kind,
    pub store: &'a Store,
    running: Running,
    head: OnceCell<String>,
}

impl Server<'_> {
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    pub fn address(&self) -> SocketAddr {
        match &self.running {
            Running::Gateway(gateway) => gateway.address,
            Running::Peer(_, address) => *address,
        }
    }

    /// Returns the caller's client, for a server that authenticates.
    pub fn client(&self) -> Client {
        match &self.running {
            Running::Gateway(gateway) => gateway.client.clone(),
            Running::Peer(_, address) => Client::new(*address),
        }
    }

    pub fn resident_bytes(&self) -> u64 {
        match &self.running {
            Running::Gateway(gateway) => gateway.process.resident_bytes(),
            Running::Peer(process, _) => process.resident_bytes(),
        }
    }

    /// Writes the bytes of a POST request with this body, from an administrator.
    pub fn write_request(&self, body: &str, out: &mut Vec<u8>) {
        let head = self.head.get_or_init(|| self.head_of(&self.client()));
        Self::write_behind(head, body, out);
    }

    /// Returns the bytes before the length of a body.
    pub fn head_of(&self, client: &Client) -> String {
        let authorization = client
            .token()
            .map(|token| format!("authorization: Bearer {token}\r\n"))
            .unwrap_or_default();
        format!(
            "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: application/json\r\n{authorization}content-length: ",
            self.address()
        )
    }

    pub fn write_behind(head: &str, body: &str, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(body.len().to_string().as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(body.as_bytes());
    }

    pub async fn connect(&self) -> http::Connection {
        http::Connection::open(self.address())
            .await
            .expect("the server accepts connections")
    }
}
