//! What metrics show of the log of a process: what is read in memory at each scrape, and what is looked at seldom, because it is in
//! the database or in Redis.

use std::time::Duration;

use tokio::time::timeout;

use super::ANSWER_LIMIT;
use crate::{
    Database, EventLog, Result, boxed,
    metrics::{Catalog, Labels, labels, name, seconds},
    read::read_pruned,
    sql::{Dialect, from_i64, query_as, query_one_as, to_i64},
};

/// How long the sizes of tables may take.
const TABLES_LIMIT: Duration = Duration::from_secs(30);

/// How large the log and its copies are. What did not answer in time is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The bytes of the events in the database, with their indexes; with SQLite those of all that is in the file.
    pub log_bytes: Option<u64>,
    /// The memory of Redis.
    pub redis_bytes: Option<u64>,
}

/// Where the log begins.
#[derive(Debug, Clone, Copy)]
pub struct Beginning {
    /// The last position that was pruned.
    pub pruned: u64,
    /// The age in seconds of the first event behind it, if there is one. Events with a time in the future say nothing.
    pub oldest_event: Option<f64>,
    /// Streams that ended up to here have nothing but their end.
    pub compacted: u64,
    /// How many events were removed for that.
    pub compacted_events: u64,
}

/// A table, with its indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// About how many rows it has; SQLite does not know.
    pub rows: Option<u64>,
    /// Its bytes.
    pub bytes: u64,
}

async fn table_sizes(database: &Database) -> Result<Vec<TableSize>> {
    let sql = database.backend().either(
        "select relname::text, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid) from pg_class
         where relkind = 'r' and relnamespace = (select oid from pg_namespace where nspname = current_schema())
         order by 3 desc",
        "select m.tbl_name, null, sum(s.pgsize) from dbstat s join sqlite_master m on m.name = s.name
         where s.aggregate = 1 group by m.tbl_name order by 3 desc",
    );
    let rows: Vec<(String, Option<i64>, i64)> =
        query_as(&database.background, sql, Vec::new()).await?;
    let sizes = rows.into_iter().map(|(name, rows, bytes)| TableSize {
        name,
        rows: rows.map(from_i64),
        bytes: from_i64(bytes),
    });
    Ok(sizes.collect())
}

impl EventLog {
    /// Enters what can be read in memory in the catalog.
    pub fn enter_metrics(&self, catalog: &mut Catalog) {
        let one = |value: f64| vec![(Labels::new(), value)];
        let help = "The last position that this process has handed on";
        let log = self.clone();
        catalog.read_gauge(name("millrace_log_position", help), move || {
            one(log.tail().position() as f64)
        });
        let help = "The last position that this process knows to be in Redis";
        let log = self.clone();
        let relayed = name("millrace_log_relayed_position", help);
        catalog.read_gauge(relayed, move || match log.has_redis() {
            true => one(log.shared.relayed.position() as f64),
            false => Vec::new(),
        });
        let help = "How long ago events that this process has not seen may have been committed";
        let log = self.clone();
        catalog.read_gauge(seconds("millrace_log_staleness", help), move || {
            one(log.shared.currency.age().as_secs_f64())
        });
        self.database().enter_replicas(catalog);
        let help = "Connections to the database";
        let connections = name("millrace_database_connections", help);
        let database = self.database().clone();
        catalog.read_gauge(connections, move || {
            of_pools(&database, |pool, [all, idle, _]| {
                let series = |state, count: u32| {
                    let labels = labels([("pool", pool), ("state", state)]);
                    (labels, f64::from(count))
                };
                let busy = all.saturating_sub(idle);
                vec![series("idle", idle), series("busy", busy)]
            })
        });
        let help = "The most connections of the pool";
        let most = name("millrace_database_connections_max", help);
        let database = self.database().clone();
        catalog.read_gauge(most, move || {
            of_pools(&database, |pool, [_, _, most]| {
                vec![(labels([("pool", pool)]), f64::from(most))]
            })
        });
    }

    /// Looks where the log begins, for as long as `sizes` does.
    #[boxed]
    pub async fn beginning(&self) -> Option<Beginning> {
        let beginning = timeout(ANSWER_LIMIT, beginning(self.database())).await;
        beginning.ok().and_then(Result::ok)
    }

    /// Returns the tables of the database, the largest first; none if the database does not say in time. With SQLite it reads the whole
    /// file.
    #[boxed]
    pub async fn table_sizes(&self) -> Vec<TableSize> {
        let sizes = timeout(TABLES_LIMIT, table_sizes(self.database())).await;
        sizes.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Looks how large the log and its copies are. It never fails, and takes a bounded time.
    #[boxed]
    pub async fn sizes(&self) -> Sizes {
        let log_bytes = timeout(ANSWER_LIMIT, log_bytes(self.database())).await;
        let store = self.shared_store().filter(|_| self.has_redis());
        Sizes {
            log_bytes: log_bytes.ok().and_then(Result::ok).flatten(),
            redis_bytes: match store {
                Some(store) => store.memory_bytes().await,
                None => None,
            },
        }
    }
}

fn of_pools(
    database: &Database,
    series: impl Fn(&str, [u32; 3]) -> Vec<(Labels, f64)>,
) -> Vec<(Labels, f64)> {
    let pools = database.pools().into_iter();
    let counted = pools.filter_map(|(name, pool)| Some((name, pool.counts()?)));
    let replicas = database.replica_counts();
    let counted = counted.chain(replicas.map(|counts| ("replicas", counts)));
    counted
        .flat_map(|(name, counts)| series(name, counts))
        .collect()
}

async fn log_bytes(database: &Database) -> Result<Option<u64>> {
    let sql = database.backend().either(
        "select pg_total_relation_size('event') + pg_total_relation_size('event_position') as bytes",
        "select (page_count - freelist_count) * page_size as bytes
         from pragma_page_count(), pragma_freelist_count(), pragma_page_size()",
    );
    let bytes: Option<i64> = query_one_as(&database.background, sql, Vec::new()).await?;
    Ok(bytes.map(from_i64))
}

async fn beginning(database: &Database) -> Result<Beginning> {
    let (_, pruned) = read_pruned(&database.background).await?;
    let sql = database.backend().either(
        "select extract(epoch from statement_timestamp() - e.occurred_at)::float8
         from event_position p join event e on e.inserted = p.inserted
         where p.position > $1 and e.occurred_at <= statement_timestamp() order by p.position limit 1",
        "select (julianday('now') - julianday(occurred_at)) * 86400.0 from event
         where inserted > $1 and julianday(occurred_at) <= julianday('now') order by inserted limit 1",
    );
    let values = vec![to_i64(pruned).into()];
    let oldest_event = query_one_as(&database.background, sql, values).await?;
    let sql = "select coalesce(min(position), 0), cast(coalesce(sum(removed), 0) as bigint) from compaction";
    let compaction: Option<(i64, i64)> =
        query_one_as(&database.background, sql, Vec::new()).await?;
    let (compacted, removed) = compaction.unwrap_or_default();
    Ok(Beginning {
        pruned,
        oldest_event,
        compacted: from_i64(compacted),
        compacted_events: from_i64(removed),
    })
}
