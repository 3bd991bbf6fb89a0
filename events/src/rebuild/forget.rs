//! Forgetting a rebuild that was begun and left: what it has built goes, and the next one begins anew. For erasures, as the
//! tables beside the live ones may hold what is to be erased.

use std::sync::Arc;

use sea_orm::ConnectionTrait;

use super::{ReadModel, SUFFIX, state::statement};
use crate::{Database, Error, database::Pool, follower::dialect};

/// Forgets what a rebuild of the model has built that no process is at; false when one is.
///
/// Who claims the rebuild and who forgets it write the same row, so one comes first: either the lease is seen here, or the
/// rebuild that is claimed afterwards begins anew.
pub(crate) async fn forget_unfinished(
    database: &Database,
    model: &Arc<dyn ReadModel>,
) -> Result<bool, Error> {
    database
        .transaction(Pool::Background, |tx| {
            let model = model.clone();
            Box::pin(async move {
                let now = dialect(tx.get_database_backend()).now;
                let sql = format!(
                    "update rebuild set token = token + 1,
                         phase = case when requested then 'requested' else 'done' end
                     where follower = $1 and leased_until < {now} and phase not in ('done', 'requested')"
                );
                let values = || vec![model.name().into()];
                let forgotten = tx.execute_raw(statement(tx, &sql, values())).await?;
                if forgotten.rows_affected() == 1 {
                    for table in model.tables() {
                        let drop = format!("drop table if exists {}{SUFFIX}", table.name);
                        tx.execute_unprepared(&drop).await?;
                    }
                    return Ok(true);
                }
                let sql = format!("select 1 as one from rebuild where follower = $1 and leased_until >= {now}");
                let running = tx.query_one_raw(statement(tx, &sql, values())).await?;
                Ok(running.is_none())
            })
        })
        .await
}
