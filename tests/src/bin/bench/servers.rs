//! The two servers, each with a database of its own on the same Postgres, and the same Redis. Both take the same documents.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use tests::graphql::Client;
use tests::guard;
use tests::http;
use tests::ids;
use tests::postgres::Postgres;
use tests::process::Process;
use tests::programs::{NODE, POSTGRES_BIN, repository};
use tests::redis::Redis;
use tests::{Gateway, Setup};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Millrace,
    Mercurius,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Millrace, Self::Mercurius];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Millrace => "millrace",
            Self::Mercurius => "mercurius",
        }
    }
}

/// A server's data.
pub struct Store {
    kind: Kind,
    setup: Option<Setup>,
    database: String,
    /// Global ids of all customers.
    pub ids: Vec<String>,
}

impl Store {
    pub fn prepare(kind: Kind, customers: u64) -> Self {
        eprintln!("{customers} customers for {}", kind.name());
        match kind {
            Kind::Millrace => Self::prepare_millrace(customers),
            Kind::Mercurius => Self::prepare_mercurius(customers),
        }
    }

    fn prepare_millrace(customers: u64) -> Self {
        let setup = Setup::distributed();
        let seeded = setup
            .gateway_command("seed")
            .args(["--customers", &customers.to_string()])
            .output();
        let seeded = seeded.expect("the gateway starts");
        assert!(
            seeded.status.success(),
            "gateway seed failed: {}",
            String::from_utf8_lossy(&seeded.stderr)
        );
        let database = setup
            .database_url
            .rsplit('/')
            .next()
            .expect("a name")
            .to_owned();
        Postgres::shared().execute(&database, "vacuum analyze");
        let uuids = Postgres::shared()
            .execute(&database, "select replace(id::text, '-', '') from customer");
        let global = |digits: &str| {
            ids::global_id(
                "customer",
                u128::from_str_radix(digits, 16).expect("a UUID"),
            )
        };
        Self {
            kind: Kind::Millrace,
            setup: Some(setup),
            ids: uuids.lines().map(global).collect(),
            database,
        }
    }

    fn prepare_mercurius(customers: u64) -> Self {
        let database = "mercurius".to_owned();
        let url = Postgres::shared().empty_database(&database);
        let made = Command::new(POSTGRES_BIN.join("psql"))
            .args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-v",
                &format!("customers={customers}"),
                "-d",
                &url,
                "-f",
            ])
            .arg(repository().join("tests/bench/mercurius/customers.sql"))
            .output()
            .expect("psql starts");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let ids = Postgres::shared().execute(&database, "select id from customer");
        Self {
            kind: Kind::Mercurius,
            setup: None,
            ids: ids.lines().map(str::to_owned).collect(),
            database,
        }
    }

    /// No run pays for the dirty pages of an earlier one.
    pub fn settle(&self) {
        Postgres::shared().execute(&self.database, "checkpoint");
    }

    pub fn start(&self) -> Server<'_> {
        let running = match &self.setup {
            Some(setup) => {
                Running::Gateway(Box::new(setup.gateway(&["--customer-cache-capacity", "0"])))
            }
            None => self.start_mercurius(),
        };
        Server {
            store: self,
            running,
            head: OnceCell::new(),
        }
    }

    fn start_mercurius(&self) -> Running {
        let home = repository().join("tests/bench/mercurius");
        assert!(
            home.join("node_modules").exists(),
            "run `npm ci` in {}, or `make bench`",
            home.display()
        );
        let mut command = Command::new(&*NODE);
        command
            .arg("server.mjs")
            .current_dir(home)
            .env("NODE_ENV", "production");
        command
            .env("DATABASE_URL", Postgres::shared().url(&self.database))
            .env("REDIS_URL", Redis::shared().url());
        let mut process = Process::spawn("mercurius", guard::directory(), &mut command, "KILL");
        let line = process.await_line("listening on http://", Duration::from_secs(60));
        let address = line
            .rsplit("http://")
            .next()
            .and_then(|address| address.parse().ok())
            .expect("an address");
        Running::Mercurius(process, address)
    }
}

enum Running {
    Gateway(Box<Gateway>),
    Mercurius(Process, SocketAddr),
}

/// A running server. Ended when dropped.
pub struct Server<'a> {
    pub store: &'a Store,
    running: Running,
    head: OnceCell<String>,
}

impl Server<'_> {
    pub fn name(&self) -> &'static str {
        self.store.kind.name()
    }

    /// The peer has customers only.
    pub fn has_chats(&self) -> bool {
        self.store.kind == Kind::Millrace
    }

    pub fn address(&self) -> SocketAddr {
        match &self.running {
            Running::Gateway(gateway) => gateway.address,
            Running::Mercurius(_, address) => *address,
        }
    }

    /// Who asks, where that matters.
    pub fn client(&self) -> Client {
        match &self.running {
            Running::Gateway(gateway) => gateway.client.clone(),
            Running::Mercurius(_, address) => Client::new(*address),
        }
    }

    pub fn resident_bytes(&self) -> u64 {
        match &self.running {
            Running::Gateway(gateway) => gateway.process.resident_bytes(),
            Running::Mercurius(process, _) => process.resident_bytes(),
        }
    }

    /// Writes the bytes of a POST request with this body, of an administrator.
    pub fn write_request(&self, body: &str, out: &mut Vec<u8>) {
        let head = self.head.get_or_init(|| self.head_of(&self.client()));
        Self::write_behind(head, body, out);
    }

    /// What comes before the length of a body.
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
