//! The product as a test needs it: embedded (SQLite, one process) or distributed (Postgres, Redis, any number of gateways and
//! workers), each time with a database and keys of its own. `both_ways!` makes two tests of one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use crate::graphql::Client;
use crate::people::{ADMIN_EMAIL, Person};
use crate::places::{Place, Share};
use crate::postgres::Postgres;
use crate::process::Process;
use crate::recipe::{Recipe, Settings, product_command};
use crate::redis::Redis;
use crate::times::Times;
use crate::waiting::SOON;
use crate::{guard, template};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Embedded,
    Distributed,
}

/// The location of a test's data, and how its processes are started.
pub struct Setup {
    pub way: Way,
    pub database_url: String,
    pub directory: PathBuf,
    /// The environment of its processes; a test may change it before it starts them.
    pub settings: Settings,
    admin: Option<Person>,
    redis_url: Option<String>,
    prefix: String,
    started: AtomicU32,
    is_on_shared_postgres: bool,
}

impl Setup {
    pub fn new(way: Way) -> Self {
        match way {
            Way::Embedded => Self::embedded(),
            Way::Distributed => Self::distributed(),
        }
    }

    pub fn embedded() -> Self {
        let mut setup = Self::embedded_from_nothing();
        let (template, admin) = template::sqlite();
        template::copy_sqlite(template, &setup.directory.join("millrace.db"));
        setup.admin = Some(admin.clone());
        setup
    }

    /// Returns a setup for a first start: without a database, without users.
    pub fn embedded_from_nothing() -> Self {
        let directory = guard::new_directory("embedded");
        let database_url = format!("sqlite://{}", directory.join("millrace.db").display());
        Self::with(Way::Embedded, directory, database_url, None)
    }

    /// Returns a setup on the shared Postgres and Redis.
    pub fn distributed() -> Self {
        Self::distributed_on(Postgres::shared(), Redis::shared())
    }

    pub fn distributed_on(postgres: &Postgres, redis: &Redis) -> Self {
        let directory = guard::new_directory("distributed");
        let (database_url, admin) = postgres.new_database();
        let mut setup = Self::with(Way::Distributed, directory, database_url, Some(redis.url()));
        setup.admin = Some(admin);
        setup.is_on_shared_postgres = postgres.is_shared();
        setup
    }

    /// Returns the same setup, with ports of proxies in front of both.
    pub fn distributed_through(
        (postgres, database_port): (&Postgres, u16),
        (redis, redis_port): (&Redis, u16),
    ) -> Self {
        let mut setup = Self::distributed_on(postgres, redis);
        let moved = |url: &str, from: u16, to: u16| {
            url.replace(&format!("127.0.0.1:{from}"), &format!("127.0.0.1:{to}"))
        };
        setup.database_url = moved(&setup.database_url, postgres.port(), database_port);
        setup.redis_url = Some(moved(&redis.url(), redis.port(), redis_port));
        setup
    }

    /// Returns the same setup, with Redis at this URL.
    pub fn with_redis(mut self, url: String) -> Self {
        self.redis_url = Some(url);
        self
    }

    fn with(way: Way, directory: PathBuf, database_url: String, redis_url: Option<String>) -> Self {
        let prefix = directory
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        Self {
            way,
            database_url,
            directory,
            settings: Settings::of_tests(),
            admin: None,
            redis_url,
            prefix,
            started: AtomicU32::new(0),
            is_on_shared_postgres: false,
        }
    }

    /// Returns the administrator that every database but an empty one has.
    pub fn admin(&self) -> &Person {
        let admin = self.admin.as_ref();
        admin.unwrap_or_else(|| panic!("{ADMIN_EMAIL} is not in an empty database"))
    }

    pub fn is_distributed(&self) -> bool {
        self.way == Way::Distributed
    }

    /// Returns the URL of Redis and the prefix of this test's keys in it; distributed only.
    pub fn redis(&self) -> Option<(&str, &str)> {
        let url = self.redis_url.as_deref();
        url.map(|url| (url, self.prefix.as_str()))
    }

    /// Starts one gateway, and whatever else all features need.
    pub fn start(&self) -> Running {
        self.start_many(1, 1, &[])
    }

    /// Starts gateways and workers. Embedded, it starts one gateway whatever is requested.
    pub fn start_many(&self, gateways: usize, workers: usize, flags: &[&str]) -> Running {
        let (gateways, workers) = if self.is_distributed() {
            (gateways, workers)
        } else {
            (1, 0)
        };
        Running {
            gateways: (0..gateways).map(|_| self.gateway(flags)).collect(),
            workers: (0..workers).map(|_| self.workers(&[])).collect(),
        }
    }

    /// Starts a gateway with additional flags, and waits until it is ready.
    pub fn gateway(&self, flags: &[&str]) -> Gateway {
        let mut recipe = self.recipe("serve", "gateway");
        recipe
            .arguments
            .extend(flags.iter().map(|flag| (*flag).to_owned()));
        let (process, address) = recipe.serve("127.0.0.1:0");
        let mut client = Client::new(address);
        if let Some(admin) = &self.admin {
            client = client.signed_in_as(&admin.access_token);
        }
        Gateway {
            process,
            address,
            recipe,
            client,
        }
    }

    /// Starts a worker process with additional flags; distributed only.
    pub fn workers(&self, flags: &[&str]) -> Process {
        assert!(
            self.is_distributed(),
            "embedded, the gateway does the workers' work"
        );
        let recipe = self.recipe("work", "workers");
        let mut process = recipe.spawn(flags);
        process.await_line("workers running", SOON);
        process
    }

    /// Returns a command on this database, such as `["seed"]`, for the caller to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = product_command(arguments[0], &self.directory);
        self.settings.give_to(&mut command);
        command
            .args(&arguments[1..])
            .args(["--database-url", &self.database_url]);
        command
    }

    fn recipe(&self, subcommand: &'static str, name: &str) -> Recipe {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let mut arguments = vec!["--database-url".to_owned(), self.database_url.clone()];
        if let Some(url) = &self.redis_url {
            arguments.extend([
                "--redis-url".into(),
                url.clone(),
                "--redis-prefix".into(),
                self.prefix.clone(),
            ]);
        }
        Recipe {
            subcommand,
            name: format!("{name}-{number}"),
            directory: self.directory.clone(),
            settings: self.settings.clone(),
            arguments,
        }
    }

    /// Opens a connection to the database, to read it or to disturb it.
    pub async fn database(&self) -> DatabaseConnection {
        connect(&self.database_url).await
    }
}

/// Opens a few connections to a database for a test.
pub async fn connect(database_url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(database_url);
    options
        .max_connections(4)
        .sqlx_logging(false)
        .acquire_timeout(SOON);
    Database::connect(options)
        .await
        .expect("the test's own connection")
}

impl Drop for Setup {
    fn drop(&mut self) {
        if !std::thread::panicking() && std::env::var_os("KEEP_TEST_DIR").is_none() {
            let _ = std::fs::remove_dir_all(&self.directory);
            if self.is_on_shared_postgres {
                let name = self.database_url.rsplit('/').next();
                Postgres::shared().drop_database(name.expect("a name"));
            }
        }
    }
}

/// A running gateway. Killed when dropped.
pub struct Gateway {
    pub process: Process,
    pub address: SocketAddr,
    pub client: Client,
    recipe: Recipe,
}

impl Gateway {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the environment for the next start.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.recipe.settings
    }

    /// Restarts it at the same address, after it was killed or has ended.
    pub fn restart(&mut self) {
        assert!(!self.process.is_running(), "it still runs");
        let (process, address) = self.recipe.serve(&self.address.to_string());
        self.process = process;
        assert_eq!(address, self.address);
    }

    /// Kills it with SIGKILL, and starts it at the same address.
    pub fn kill_and_restart(&mut self) {
        self.process.kill();
        self.restart();
    }
}

/// The processes that `Setup::start` started.
pub struct Running {
    pub gateways: Vec<Gateway>,
    pub workers: Vec<Process>,
}

impl Running {
    /// Returns the client of the first gateway.
    pub fn client(&self) -> &Client {
        &self.gateways[0].client
    }

    pub fn address(&self) -> SocketAddr {
        self.gateways[0].address
    }

    /// Returns a client of each gateway.
    pub fn clients(&self) -> Vec<Client> {
        self.gateways
            .iter()
            .map(|gateway| gateway.client.clone())
            .collect()
    }
}

/// Makes two tests, `name::embedded` and `name::distributed`, of `async fn name(setup: Setup)`. With `alone:` before the names,
/// no other test runs meanwhile; with `browser:`, only one other with a browser.
#[macro_export]
macro_rules! both_ways {
    (alone: $($name:ident),+ $(,)?) => { $crate::ways!(run_alone [embedded distributed] $($name)+); };
    (browser: $($name:ident),+ $(,)?) => { $crate::ways!(run_browser [embedded distributed] $($name)+); };
    ($($name:ident),+ $(,)?) => { $crate::ways!(run [embedded distributed] $($name)+); };
}

/// Makes one embedded test, for behaviour that depends on neither storage nor transport.
#[macro_export]
macro_rules! embedded {
    (alone: $($name:ident),+ $(,)?) => { $crate::ways!(run_alone [embedded] $($name)+); };
    (browser: $($name:ident),+ $(,)?) => { $crate::ways!(run_browser [embedded] $($name)+); };
    ($($name:ident),+ $(,)?) => { $crate::ways!(run [embedded] $($name)+); };
}

/// Makes one distributed test.
#[macro_export]
macro_rules! distributed {
    (alone: $($name:ident),+ $(,)?) => { $crate::ways!(run_alone [distributed] $($name)+); };
    (browser: $($name:ident),+ $(,)?) => { $crate::ways!(run_browser [distributed] $($name)+); };
    ($($name:ident),+ $(,)?) => { $crate::ways!(run [distributed] $($name)+); };
}

/// Makes one distributed test of `async fn name(postgres: Postgres, setup: Setup)`, on a server of its own: only there the statements of
/// the test are alone.
#[macro_export]
macro_rules! on_own_postgres {
    ($name:ident) => {
        mod $name {
            #[test]
            fn distributed() {
                $crate::setup::run(|| async {
                    let postgres = $crate::postgres::Postgres::start();
                    let redis = $crate::redis::Redis::shared();
                    let setup = $crate::Setup::distributed_on(&postgres, redis);
                    super::$name(postgres, setup).await;
                });
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! ways {
    ($run:ident $ways:tt $($name:ident)+) => {$(
        mod $name {
            $crate::way!($run $ways $name);
        }
    )+};
}

#[doc(hidden)]
#[macro_export]
macro_rules! way {
    ($run:ident [$($way:ident)+] $name:ident) => {$(
        #[test]
        fn $way() {
            $crate::setup::$run(|| super::$name($crate::Setup::$way()));
        }
    )+};
}

/// Runs a test to its end, beside others.
pub fn run<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    run_at(Share::AmongOthers, test);
}

/// Runs a test alone to its end: one that measures time, or whose load needs the machine.
pub fn run_alone<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    run_at(Share::Alone, test);
}

/// Runs a test with a browser to its end, beside at most one other.
pub fn run_browser<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    run_at(Share::Browser, test);
}

fn run_at<F: Future<Output = ()>>(share: Share, test: impl FnOnce() -> F) {
    let asked = Instant::now();
    let _place = Place::take(share);
    let _times = Times::begin(asked.elapsed());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(test());
    // A task that a test left running must not delay the next one.
    runtime.shutdown_timeout(Duration::from_secs(5));
}
