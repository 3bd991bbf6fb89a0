//! PgBouncer between the product and Postgres, on a free port.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::postgres::{Postgres, free_port};
use crate::process::Process;
use crate::waiting::{SOON, eventually_blocking};
use crate::{guard, programs};

pub struct Pooler {
    home: PathBuf,
    port: u16,
    process: Process,
}

impl Pooler {
    /// Starts one that gives each client a session, or a server process for each transaction: `session` or `transaction`.
    pub fn start(postgres: &Postgres, mode: &str) -> Self {
        let home = guard::new_directory("pooler");
        postgres.give(&home);
        let port = free_port();
        let configuration = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {mode}\ndefault_pool_size = 200\nmax_client_conn = 1000\n\
             ignore_startup_parameters = extra_float_digits\n",
            postgres.port(),
        );
        std::fs::write(home.join("pgbouncer.ini"), configuration).expect("its configuration");
        let process = run(&home, postgres);
        let pooler = Self {
            home,
            port,
            process,
        };
        pooler.await_ready();
        pooler
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it, with all connections.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    pub fn restart(&mut self, postgres: &Postgres) {
        self.process = run(&self.home, postgres);
        self.await_ready();
    }

    fn await_ready(&self) {
        eventually_blocking("PgBouncer accepts connections", SOON, || {
            Command::new(programs::POSTGRES_BIN.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .is_ok_and(|status| status.success())
                .then_some(())
        });
    }
}

fn run(home: &Path, postgres: &Postgres) -> Process {
    let program = programs::checker("pgbouncer", "pgbouncer");
    let mut command = postgres.as_its_user(&program);
    command.arg(home.join("pgbouncer.ini"));
    Process::spawn("pgbouncer", home, &mut command, "KILL")
}
