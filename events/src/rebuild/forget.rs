//! Removes what rebuilds have kept, for erasures: for an abandoned rebuild, the tables beside the live ones, so that the next one
//! begins anew; for a finished one, the rows that its report shows as examples.

use std::sync::Arc;

use sea_orm::ConnectionTrait;

use super::{ReadModel, RebuildReport, SUFFIX, state::LONGEST_LEASE};
use crate::{
    Database, DatabaseTransaction, Error,
    database::Pool,
    sql::{Dialect, execute, longest, query_one, query_one_as},
};

/// Removes what rebuilds of the model have kept; returns false when a process is rebuilding it.
///
/// Claiming a rebuild and forgetting it write the same row, so one comes first: either the lease is seen here, or the rebuild
/// that is claimed afterwards begins anew.
pub(crate) async fn forget_rebuilds(
    database: &Database,
    model: &Arc<dyn ReadModel>,
) -> Result<bool, Error> {
    database
        .transaction(Pool::Patient, |tx| {
            let model = model.clone();
            Box::pin(async move {
                let is_over = tx.get_database_backend().is_over("leased_until", 2);
                let sql = format!(
                    "update rebuild set token = token + 1,
                         phase = case when requested then 'requested' else 'done' end
                     where follower = $1 and {is_over} and phase not in ('done', 'requested')"
                );
                let values = || vec![model.name().into(), longest(LONGEST_LEASE).into()];
                if execute(tx, &sql, values()).await? == 1 {
                    for table in model.tables() {
                        let drop = format!("drop table if exists {}{SUFFIX}", table.name);
                        tx.execute_unprepared(&drop).await?;
                    }
                    return Ok(true);
                }
                let sql =
                    format!("select 1 as one from rebuild where follower = $1 and not {is_over}");
                let running = query_one(tx, &sql, values()).await?;
                if running.is_some() {
                    return Ok(false);
                }
                forget_examples(tx, model.name()).await?;
                Ok(true)
            })
        })
        .await
}

/// The counts stay in the report; the rows shown as examples may be other people's data.
async fn forget_examples(tx: &DatabaseTransaction, model: &'static str) -> Result<(), Error> {
    let sql = "select report from rebuild where follower = $1 and report is not null";
    let report: Option<String> = query_one_as(tx, sql, vec![model.into()]).await?;
    let Some(report) = report else {
        return Ok(());
    };
    let report = serde_json::from_str(&report).ok().map(without_examples);
    let report = report.and_then(|report| serde_json::to_string(&report).ok());
    let sql = "update rebuild set report = $2 where follower = $1";
    execute(tx, sql, vec![model.into(), report.into()]).await?;
    Ok(())
}

fn without_examples(mut report: RebuildReport) -> RebuildReport {
    for table in &mut report.differences {
        table.examples.clear();
    }
    report
}
