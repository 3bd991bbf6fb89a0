//! The statements that a Postgres server executes, which it logs in full for one database. Tests count those that mention tables of
//! interest.

use std::path::PathBuf;

use crate::postgres::Postgres;
use crate::setup::Setup;

/// The log of a Postgres server.
pub struct StatementLog {
    path: PathBuf,
    tables: &'static [&'static str],
}

impl StatementLog {
    /// From now on every statement in the setup's database is logged, by those who connect to it later. Those that mention one of the
    /// tables count.
    pub fn begin(postgres: &Postgres, setup: &Setup, tables: &'static [&'static str]) -> Self {
        let (_, database) = setup.database_url.rsplit_once('/').expect("a URL");
        let all = format!("alter database {database} set log_statement = 'all'");
        postgres.execute("postgres", &all);
        let data = PathBuf::from(postgres.execute("postgres", "show data_directory"));
        let path = data.parent().expect("a home").join("postgres.log");
        Self { path, tables }
    }

    /// Returns the statements that were begun while `work` ran.
    pub async fn during(&self, work: impl Future<Output = ()>) -> Vec<String> {
        let before = self.read().len();
        work.await;
        let counts = |line: &&str| {
            line.contains("execute ") && self.tables.iter().any(|table| line.contains(table))
        };
        let text = self.read();
        let lines = text[before..].lines().filter(counts);
        lines.map(str::to_owned).collect()
    }

    fn read(&self) -> String {
        std::fs::read_to_string(&self.path).expect("the log of Postgres")
    }
}
