//! The bulk of a rebuild: the events that existed at its beginning, by stream and version, read ahead in a task of its own while
//! the previous batch is written. That is the order of an index, so memory is a few batches, however long the log is and the events are.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::Value;
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

use super::{
    Rebuild, RebuildError, Result, SUFFIX,
    state::{self, Saved},
};
use crate::{
    Database, DatabaseTransaction, Error, Event, Proof,
    database::Pool,
    letters::{self, Kind, Tried},
    read::{self, columns, from_row},
    sql::{FIND_BY_KEY, from_i64, on_postgres, query, query_one_as, to_i64},
};

/// The number of batches read ahead of the one being written.
const AHEAD: usize = 2;
/// The most events that one statement reads.
pub(super) const PIECE_EVENTS: u64 = 1_000;
/// The most bytes of data of the events in one batch, not counting those that its last statement reads.
const MOST_BYTES: usize = 32 << 20;

/// How long to wait for an answer about all rows: a statement without a time limit must not wait forever on a silent server.
const MOST_PATIENCE: Duration = Duration::from_secs(3600);

/// Counts the events of a kind.
pub(super) async fn count(database: &Database, kind: &str) -> Result<u64> {
    let tx = database.background.begin().await?;
    take_time(&tx).await?;
    let sql = "select count(*) as count from event where stream = $1";
    let count: Option<i64> = query_one_as(&tx, sql, vec![kind.into()]).await?;
    tx.commit().await?;
    Ok(count.map_or(0, from_i64))
}

/// Lifts the time limits: a statement about all rows takes longer than a request may.
pub(super) async fn take_time(tx: &DatabaseTransaction) -> Result<(), Error> {
    tx.set_patience(MOST_PATIENCE).await;
    let settings =
        "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";
    on_postgres(tx, settings).await
}

/// Which events to read.
#[derive(Clone, Copy)]
struct Span {
    kind: &'static str,
    until: u64,
    limit: u64,
}

/// A position, and the proof of the event there.
pub(super) type Place = (u64, Proof);

pub(super) fn place_of(event: &Event) -> Place {
    (event.position, Proof::of(event.event_id))
}

type Batch = Result<Vec<Arc<Event>>, Error>;

/// A task that reads ahead. Only its own end, and not that of what it sends, says that there is no more.
struct Reading {
    batches: mpsc::Receiver<Batch>,
    task: JoinHandle<()>,
}

impl Reading {
    fn start<R>(read: impl FnOnce(mpsc::Sender<Batch>) -> R) -> Self
    where
        R: Future<Output = ()> + Send + 'static,
    {
        let (sender, batches) = mpsc::channel(AHEAD);
        let task = tokio::spawn(read(sender));
        Self { batches, task }
    }

    /// Returns the next batch; `None` when all were read.
    async fn next(&mut self) -> Result<Option<Vec<Arc<Event>>>> {
        if let Some(batch) = self.batches.recv().await {
            return Ok(Some(batch?));
        }
        let ended = (&mut self.task).await;
        ended.map_err(|error| Error::Task(error.to_string()))?;
        Ok(None)
    }
}

async fn read_streams(
    database: Database,
    span: Span,
    mut last: Option<(Uuid, i64)>,
    sender: mpsc::Sender<Batch>,
) {
    loop {
        let mut events = Vec::new();
        let read = read_batch(&database, span, last, &mut events).await;
        last = events
            .last()
            .map(|event: &Arc<Event>| (event.stream_id, event.version));
        let (is_last, batch) = match read {
            Ok(is_last) => (is_last, Ok(events)),
            Err(error) => (true, Err(error)),
        };
        if sender.send(batch).await.is_err() || is_last {
            return;
        }
    }
}

/// Reads the next events behind `last`; returns whether they are the last ones. The plan is fixed: the index has the order, and positions
/// are looked up one by one. A planner without statistics of a log that has just grown would sort all of it for each batch.
async fn read_batch(
    database: &Database,
    span: Span,
    mut last: Option<(Uuid, i64)>,
    events: &mut Vec<Arc<Event>>,
) -> Result<bool, Error> {
    let tx = database.background.begin().await?;
    take_time(&tx).await?;
    let settings = format!(
        "{FIND_BY_KEY}; set local enable_sort = off; set local enable_bitmapscan = off;
         set local max_parallel_workers_per_gather = 0"
    );
    on_postgres(&tx, &settings).await?;
    let mut bytes = 0;
    let mut is_last = false;
    while !is_last && bytes < MOST_BYTES && (events.len() as u64) < span.limit {
        let (stream_id, version) = last.unwrap_or((Uuid::nil(), 0));
        let values: Vec<Value> = vec![
            span.kind.into(),
            stream_id.into(),
            version.into(),
            to_i64(span.until).into(),
        ];
        let most = PIECE_EVENTS.min(span.limit - events.len() as u64);
        let sql = format!(
            "select {} from event e join event_position p on p.inserted = e.inserted
             where e.stream = $1 and (e.stream_id, e.version) > ($2, $3) and p.position <= $4
             order by e.stream_id, e.version limit {most}",
            columns(database.backend()),
        );
        let rows = query(&tx, &sql, values).await?;
        is_last = (rows.len() as u64) < most;
        for row in &rows {
            let event = from_row(row)?;
            bytes += event.data.get().len();
            last = Some((event.stream_id, event.version));
            events.push(Arc::new(event));
        }
    }
    tx.commit().await?;
    Ok(is_last)
}

impl Rebuild {
    pub(super) async fn build(&self, saved: &mut Saved) -> Result<()> {
        let span = Span {
            kind: self.model.stream(),
            until: saved.position,
            limit: self.config.batch_events,
        };
        let (database, last) = (self.database.clone(), saved.last);
        let mut reading = Reading::start(|sender| read_streams(database, span, last, sender));
        while let Some(batch) = reading.next().await? {
            self.check_stop()?;
            let Some(last) = batch.last() else {
                break;
            };
            let mut next = saved.clone();
            next.last = Some((last.stream_id, last.version));
            next.done += batch.len() as u64;
            let newest = batch.iter().max_by_key(|event| event.position);
            let newest = place_of(newest.unwrap_or(last));
            self.commit((saved, &next), newest, batch).await?;
            *saved = next;
            self.report(saved);
        }
        Ok(())
    }

    /// Runs one transaction: saves the progress, then applies the events, which were read up to `newest`. If one of them fails on its
    /// own, the batch runs again with such events set aside.
    pub(super) async fn commit(
        &self,
        saved: (&Saved, &Saved),
        newest: Place,
        batch: Vec<Arc<Event>>,
    ) -> Result<()> {
        let began = Instant::now();
        let batch: Arc<[Arc<Event>]> = batch.into();
        match self.try_commit(saved, newest, &batch, false).await {
            Err(RebuildError::Log(error)) if error.is_of_event() => {
                self.try_commit(saved, newest, &batch, true).await?;
            }
            result => result?,
        }
        let rest = (1.0 - self.config.share) / self.config.share;
        tokio::time::sleep(began.elapsed().mul_f64(rest)).await;
        Ok(())
    }

    async fn try_commit(
        &self,
        (saved, next): (&Saved, &Saved),
        newest: Place,
        batch: &Arc<[Arc<Event>]>,
        is_careful: bool,
    ) -> Result<()> {
        self.database
            .transaction(Pool::Patient, |tx| {
                let (this, batch) = (self.clone(), batch.clone());
                let (saved, next) = (saved.clone(), next.clone());
                Box::pin(async move {
                    // A crash may lose the last transactions, each with all of its effects. Then the save finds another progress than
                    // this process remembers, and they run again.
                    on_postgres(tx, "set local synchronous_commit = off").await?;
                    state::save_in_tx(tx, &this.claim, (&saved, &next)).await?;
                    // The events were read before. If the newest of them is in its place, so are all before it.
                    let (position, proof) = newest;
                    if read::read_standing(tx, position).await?.found != Some(proof) {
                        return Err(RebuildError::Superseded);
                    }
                    this.apply(tx, &batch, is_careful).await?;
                    Ok::<_, RebuildError>(())
                })
            })
            .await
    }

    /// Applies events, with letters under the rebuild's own name, which become the follower's when the tables do.
    pub(super) async fn apply(
        &self,
        tx: &DatabaseTransaction,
        events: &[Arc<Event>],
        is_careful: bool,
    ) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let (follower, name) = (&*self.follower, self.rebuilt());
        let whose = (name.as_str(), Kind::Rebuild);
        if is_careful {
            letters::apply_carefully(tx, whose, follower, events, None, Tried::default()).await
        } else {
            letters::apply_or_park(tx, whose, follower, events, None).await
        }
    }

    pub(super) fn rebuilt(&self) -> String {
        format!("{}{SUFFIX}", self.model.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_that_panics_has_not_read_everything() {
        let mut reading = Reading::start(|sender| async move {
            let _ = sender.send(Ok(Vec::new())).await;
            panic!("as asked");
        });
        assert!(matches!(reading.next().await, Ok(Some(_))));
        let ended = reading.next().await;
        assert!(
            matches!(ended, Err(RebuildError::Log(Error::Task(_)))),
            "{ended:?}"
        );
        let mut reading = Reading::start(|sender| async move { drop(sender) });
        assert!(matches!(reading.next().await, Ok(None)));
    }
}
