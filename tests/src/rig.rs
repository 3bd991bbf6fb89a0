//! The fault rig: two gateways and two workers as processes on a Postgres and a Redis of its own, both reached through proxies;
//! writers in all domains, and subscribers that resume; one fault after the other, in an order that a seed determines; and
//! after each an account of what was lost, doubled and reordered, and of the time to recover. `make faults` runs it, a test
//! runs a short form of it, and `make upgrade` replaces an earlier version under the same load.

mod account;
mod audit;
mod book;
mod domains;
mod faults;
mod hand;
mod load;
mod probe;
pub mod proxy;
mod report;
mod schedule;
mod sight;
mod soak;
mod table;
mod upgrade;
mod visitors;

use std::time::Duration;

use fastrand::Rng;

pub use faults::{FAULTS, Fault, Length};
pub use schedule::{Plan, run};
pub use soak::{Soak, Soaked};
pub use table::Table;
pub use upgrade::upgrade;

use crate::graphql::Client;
use crate::postgres::Postgres;
use crate::process::Process;
use crate::redis::Redis;
use crate::setup::{self, Gateway, Setup};
use crate::waiting::SOON;
use load::Load;
use proxy::Proxy;
use sight::Sight;

/// The workers' lease. It is short, so that a pause outlasts it.
pub const LEASE: Duration = Duration::from_secs(2);
/// A signal with this value kills the process that handles it, when that is configured.
const KILLING_VALUE: f64 = 1_000_000.0;
const PROCESSES: usize = 2;

/// One of the processes.
#[derive(Clone, Copy, Debug)]
pub enum One {
    Gateway(usize),
    Worker(usize),
}

/// Everything that runs.
pub struct Rig {
    pub gateways: Vec<Gateway>,
    pub workers: Vec<Process>,
    pub load: Load,
    pub sight: Sight,
    pub random: Rng,
    pub database_proxy: Proxy,
    pub redis_proxy: Proxy,
    pub setup: Setup,
    pub redis: Redis,
    pub postgres: Postgres,
}

impl Rig {
    pub async fn start(seed: u64) -> Self {
        Self::start_with(seed, &[]).await
    }

    /// Starts it with these settings besides its own.
    pub async fn start_with(seed: u64, settings: &[(&'static str, &str)]) -> Self {
        let (postgres, redis) = tokio::task::block_in_place(|| (Postgres::start(), Redis::start()));
        let database_proxy = Proxy::start(postgres.port()).await;
        let redis_proxy = Proxy::start(redis.port()).await;
        let mut setup = tokio::task::block_in_place(|| {
            Setup::distributed_through((&postgres, database_proxy.port), (&redis, redis_proxy.port))
        });
        for (name, value) in [
            ("MILLRACE_REQUEST_TIMEOUT", "5s"),
            ("MILLRACE_DRAIN_TIME", "1s"),
            ("MILLRACE_PRESENCE_LEASE", "2s"),
            // The deadline is longer than the recovery, so that signals complete, also on a slow machine.
            ("MILLRACE_SIGNAL_DEADLINE", "45s"),
        ]
        .iter()
        .chain(settings)
        {
            setup.settings.set(name, value);
        }
        let (gateways, workers) = tokio::task::block_in_place(|| {
            let gateways: Vec<_> = (0..PROCESSES).map(|_| setup.gateway(&[])).collect();
            let workers: Vec<_> = (0..PROCESSES).map(|_| worker(&setup)).collect();
            (gateways, workers)
        });
        let name = setup.database_url.rsplit('/').next().expect("a name");
        let sight = Sight::new(setup::connect(&postgres.url(name)).await);
        let clients: Vec<Client> = gateways.iter().map(|it| it.client.clone()).collect();
        let load = Load::start(&clients, setup.admin(), seed).await;
        Self {
            gateways,
            workers,
            load,
            sight,
            random: Rng::with_seed(seed),
            database_proxy,
            redis_proxy,
            setup,
            redis,
            postgres,
        }
    }

    /// Starts a worker in place of one that has ended.
    pub fn restart_worker(&mut self, index: usize) {
        self.workers[index] = tokio::task::block_in_place(|| worker(&self.setup));
    }

    pub fn restart_gateway(&mut self, index: usize) {
        tokio::task::block_in_place(|| self.gateways[index].restart());
    }

    /// Ends a process as a deployment does: SIGTERM, and an end without a failure.
    pub fn end(&mut self, one: One) -> Result<(), String> {
        let process = match one {
            One::Gateway(index) => &mut self.gateways[index].process,
            One::Worker(index) => &mut self.workers[index],
        };
        let ended = tokio::task::block_in_place(|| process.terminate(SOON));
        match ended.success() {
            true => Ok(()),
            false => Err(format!("{one:?} ended with {ended}")),
        }
    }

    /// Ends a process, and starts another in its place.
    pub fn replace(&mut self, one: One) -> Result<(), String> {
        self.end(one)?;
        match one {
            One::Gateway(index) => self.restart_gateway(index),
            One::Worker(index) => self.restart_worker(index),
        }
        Ok(())
    }

    /// Ends the effects that a fault may have left, even a failed one. Returns the names of processes that had ended by
    /// themselves.
    pub fn restore(&mut self) -> Vec<String> {
        self.setup.settings.leave("MILLRACE_FAULTS");
        self.database_proxy.thaw();
        self.redis_proxy.thaw();
        self.redis_proxy.cut_commands(0);
        self.database_proxy.doom_commits(Vec::new());
        let mut ended = Vec::new();
        for index in 0..PROCESSES {
            if !self.gateways[index].process.is_running() {
                ended.push(format!("gateway {index} had ended"));
                self.restart_gateway(index);
            }
            if !self.workers[index].is_running() {
                ended.push(format!("worker {index} had ended"));
                self.restart_worker(index);
            }
        }
        ended
    }
}

fn worker(setup: &Setup) -> Process {
    setup.workers(&["--lease", &format!("{}ms", LEASE.as_millis())])
}
