//! The data of the servers: a database for each on the same Postgres. The peers share one.

use std::process::Command;

use futures::future::join_all;
use tests::postgres::Postgres;
use tests::programs::{POSTGRES_BIN, repository};
use tests::{Setup, ids, people};

/// The number of users who write posts.
const MEMBERS: usize = 1_000;
const COMMENTS: &str = "10";

/// The numbers of rows.
#[derive(Clone, Copy)]
pub struct Rows {
    pub customers: u64,
    /// The number of posts, each with ten comments; 0 where nothing reads them.
    pub posts: u64,
}

/// The data of a server.
pub struct Store {
    /// The setup, for the gateway only.
    pub setup: Option<Setup>,
    pub database: String,
    /// The ids of all customers, as clients see them.
    pub ids: Vec<String>,
}

impl Store {
    /// Creates the gateway's data with its own commands.
    pub async fn of_millrace(rows: Rows) -> Self {
        let setup = Setup::distributed();
        let (_, database) = setup.database_url.rsplit_once('/').expect("a URL");
        let database = database.to_owned();
        let customers = rows.customers.to_string();
        run(setup.command(&["seed"]).args(["--customers", &customers]));
        if rows.posts > 0 {
            add_posts(&setup, rows.posts).await;
        }
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
            setup: Some(setup),
            ids: uuids.lines().map(global).collect(),
            database,
        }
    }

    /// Creates the peers' tables, with as many rows.
    pub fn of_peers(rows: Rows) -> Self {
        let database = "peers".to_owned();
        Postgres::shared().empty_database(&database);
        fill(&database, "customers", rows.customers);
        if rows.posts > 0 {
            fill(&database, "posts", rows.posts);
        }
        let ids = Postgres::shared().execute(&database, "select id from customer");
        Self {
            setup: None,
            ids: ids.lines().map(str::to_owned).collect(),
            database,
        }
    }

    /// Writes dirty pages to disk, so that no run pays for those of an earlier one.
    pub fn settle(&self) {
        Postgres::shared().execute(&self.database, "checkpoint");
    }
}

/// Adds users, their posts, and the read model of these.
async fn add_posts(setup: &Setup, posts: u64) {
    let gateway = setup.gateway(&[]);
    let names: Vec<String> = (1..MEMBERS)
        .map(|number| format!("Member {number}"))
        .collect();
    for some in names.chunks(50) {
        let registering = some
            .iter()
            .map(|name| people::register(&gateway.client, name));
        join_all(registering).await;
    }
    drop(gateway);
    let posts = posts.to_string();
    let shape = ["--posts", &posts, "--likes", "0", "--comments", COMMENTS];
    run(setup.command(&["seed"]).args(shape));
    run(&mut setup.command(&["rebuild", "posts"]));
}

/// Runs the file that creates a table with this many rows.
fn fill(database: &str, table: &str, rows: u64) {
    let file = repository().join(format!("tests/bench/mercurius/{table}.sql"));
    let mut psql = Command::new(POSTGRES_BIN.join("psql"));
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-v"])
        .arg(format!("{table}={rows}"))
        .args(["-d", &Postgres::shared().url(database), "-f"])
        .arg(file);
    run(&mut psql);
}

fn run(command: &mut Command) {
    let made = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{command:?} failed: {said}");
}
