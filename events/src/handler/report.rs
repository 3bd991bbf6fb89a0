//! Reports the state of this process's breakers to operators, as rows in the database: at every change, and from time to time, as
//! a process that stops reporting is taken for gone. No decision depends on these rows.

use std::time::Duration;

use sea_orm::Value;
use tokio::time::{sleep, timeout};

use super::breaker::{Breakers, Told};
use crate::{
    Database, Result,
    sql::{Dialect, execute},
};

/// How often the state is reported when nothing changes.
const INTERVAL: Duration = Duration::from_secs(20);
/// Changes closer together than this are reported as one.
const PAUSE: Duration = Duration::from_millis(100);

/// Reports until it is aborted.
pub(super) async fn run(database: &Database, owner: &str, breakers: &Breakers) {
    loop {
        if let Err(error) = write(database, owner, &breakers.tell()).await {
            tracing::debug!(%error, "the state of the breakers was not written");
        }
        sleep(PAUSE).await;
        // Both outcomes lead to another report: a change, or none for a while.
        let _ = timeout(INTERVAL, breakers.changed.notified()).await;
    }
}

async fn write(database: &Database, owner: &str, told: &[Told]) -> Result<()> {
    let backend = database.backend();
    let (mut rows, mut values) = (Vec::new(), vec![Value::from(owner)]);
    for told in told {
        let first = values.len() + 1;
        let [state, failures, error, since] = [1, 2, 3, 4].map(|place| first + place);
        rows.push(format!(
            "(${first}, $1, ${state}, ${failures}, ${error}, {}, {})",
            backend.now_plus(since),
            backend.now()
        ));
        values.extend([
            Value::from(told.dependency),
            told.state.name().into(),
            i32::try_from(told.failures).unwrap_or(i32::MAX).into(),
            told.error.clone().into(),
            (-told.since.as_secs_f64()).into(),
        ]);
    }
    let sql = format!(
        "insert into worker_breaker (dependency, owner, state, failures, error, since, seen_at) values {}
         on conflict (dependency, owner) do update set state = excluded.state, failures = excluded.failures,
             error = excluded.error, since = excluded.since, seen_at = excluded.seen_at",
        rows.join(", ")
    );
    execute(database.background_writer(), &sql, values).await?;
    Ok(())
}

/// Removes the rows of a process that stops.
pub(super) async fn withdraw(database: &Database, owner: &str) -> Result<()> {
    let sql = "delete from worker_breaker where owner = $1";
    execute(database.background_writer(), sql, vec![owner.into()]).await?;
    Ok(())
}
