//! The SQL statements that Postgres was asked for, by its own log, for tests that count them. Only on a server of its own are the
//! statements of a test alone.

use std::path::PathBuf;

use crate::postgres::Postgres;
use crate::setup::Setup;

/// The log of a Postgres server.
pub struct StatementLog(PathBuf);

impl StatementLog {
    /// From now on every statement in the setup's database is logged, by those who connect to it later.
    pub fn begin(postgres: &Postgres, setup: &Setup) -> Self {
        let (_, database) = setup.database_url.rsplit_once('/').expect("a URL");
        let all = format!("alter database {database} set log_statement = 'all'");
        postgres.execute("postgres", &all);
        let data = PathBuf::from(postgres.execute("postgres", "show data_directory"));
        Self(data.parent().expect("a home").join("postgres.log"))
    }

    /// Returns the lines of the statements, begun while `work` ran, that contain one of these texts.
    pub async fn of(&self, texts: &[&str], work: impl Future<Output = ()>) -> Vec<String> {
        let before = self.read().len();
        work.await;
        let is_wanted =
            |line: &&str| line.contains("execute ") && texts.iter().any(|text| line.contains(text));
        let text = self.read();
        let lines = text[before..].lines().filter(is_wanted);
        lines.map(str::to_owned).collect()
    }

    fn read(&self) -> String {
        std::fs::read_to_string(&self.0).expect("the log of Postgres")
    }
}
