//! The lease on a job that one process does for all, by the database's clock. It only saves work; what must not happen twice is
//! guarded by transactions that name what they found.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use crate::{
    Database, Result, boxed,
    database::Pool,
    sql::{Dialect, execute, longest, query},
};

/// Takes the lease for `duration`, or renews the process's own; returns false when another process holds it.
#[boxed]
pub async fn lease_job(
    database: &Database,
    job: &'static str,
    owner: &str,
    duration: Duration,
) -> Result<bool> {
    let (owner, seconds) = (owner.to_owned(), duration.as_secs_f64());
    database
        .transaction(Pool::Background, |tx| {
            let owner = owner.clone();
            Box::pin(async move {
                let backend = tx.get_database_backend();
                let insert =
                    "insert into housekeeping (job) values ($1) on conflict (job) do nothing";
                execute(tx, insert, vec![job.into()]).await?;
                let update = format!(
                    "update housekeeping set owner = $3, token = token + 1, leased_until = {}
                     where job = $2 and (owner = $3 or {}) returning token",
                    backend.clock_plus(1),
                    backend.is_over("leased_until", 4),
                );
                let longest = longest(duration);
                let values = vec![seconds.into(), job.into(), owner.into(), longest.into()];
                Ok(!query(tx, &update, values).await?.is_empty())
            })
        })
        .await
}
