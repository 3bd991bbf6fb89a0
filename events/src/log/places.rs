//! Places in the log: whether a client may resume from its cursor, and reading on from there. A place is checked against the log
//! whenever memory cannot decide: on resume, and again for each page, as the database may have lost its end in between.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    Cursor, CursorError, Event, EventLog, Result, boxed, clock::Moment, epoch, metrics::METRICS,
    read, topic::Topics,
};

/// How long a client with a cursor of a new epoch waits for a process that has not heard of that epoch.
const EPOCH_WAIT: Duration = Duration::from_secs(1);

impl EventLog {
    /// Checks whether a client may resume from its cursor.
    ///
    /// # Errors
    /// `Foreign` when the cursor belongs to another epoch, is past the end of the log, or proves another event than the log has
    /// there; `Expired` when events after it were pruned.
    #[boxed]
    pub async fn resolve(&self, cursor: Cursor) -> Result<Result<Cursor, CursorError>> {
        let known = self.known_proof_at(cursor.position).await;
        if known.is_some() && known == cursor.proof && self.tail().check(cursor).is_ok() {
            return Ok(Ok(cursor));
        }
        // Another process may be ahead of this one, but never of the log. It may also have heard of a new epoch first.
        let standing = read::read_standing(&self.database().background, cursor.position).await?;
        if standing.epoch == cursor.epoch {
            self.await_epoch(cursor.epoch).await;
        }
        // From here on, a cursor that came without a proof has one.
        let proven = Cursor {
            proof: standing.found,
            ..cursor
        };
        Ok(epoch::judge(cursor, &standing).map(|()| proven))
    }

    /// Waits briefly until this process has heard of the epoch that the log has.
    async fn await_epoch(&self, epoch: u32) {
        let mut changes = self.tail().changes();
        let heard = async {
            while self.tail().epoch() != epoch {
                self.shared.wake.notify_one();
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        // If it does not hear of it in time, the feed finds another epoch and reports it.
        let _ = timeout(EPOCH_WAIT, heard).await;
    }

    /// Returns whether nothing was committed between this place of the tail and this call, by any process. A look at the log that begins
    /// now decides that, for all who ask; while the log cannot be read, they wait.
    pub async fn is_still_at(&self, place: Cursor) -> bool {
        let asked = Moment::now();
        let mut changes = self.tail().changes();
        if self.tail().cursor() != place {
            return false;
        }
        self.shared.wake.notify_one();
        tokio::select! {
            () = self.shared.currency.seen_since(asked) => self.tail().cursor() == place,
            _ = changes.changed() => false,
        }
    }

    /// Returns the place of the tail once it has all that was committed before this call, by any process. While the log cannot be read, it
    /// waits.
    pub async fn place_after_all(&self) -> Cursor {
        let asked = Moment::now();
        self.shared.wake.notify_one();
        self.shared.currency.seen_since(asked).await;
        self.tail().cursor()
    }

    /// Returns the cursor for `position`, which the log has given out.
    #[boxed]
    pub async fn cursor_at(&self, position: u64) -> Result<Cursor> {
        let epoch = self.tail().epoch();
        if let Some(proof) = self.tail().proof_at(position) {
            return Ok(Cursor {
                epoch,
                position,
                proof: Some(proof),
            });
        }
        let standing = read::read_standing(&self.database().background, position).await?;
        Ok(Cursor {
            epoch: standing.epoch,
            position,
            proof: standing.found,
        })
    }

    /// Returns the cursor of an answer that shows, of what there was at `place`, everything up to `position`. A cursor that
    /// cannot be proven now is refused when a client resumes from it.
    #[boxed]
    pub async fn cursor_within(&self, place: Cursor, position: u64) -> Cursor {
        if position >= place.position {
            return place;
        }
        let proof = match self.tail().proof_at(position) {
            Some(proof) => Some(proof),
            None => match self.cursor_at(position).await {
                Ok(cursor) => cursor.proof,
                Err(error) => {
                    tracing::warn!(%error, position, "a cursor could not be proven");
                    None
                }
            },
        };
        Cursor {
            position,
            proof,
            ..place
        }
    }

    /// Reads like `read`, for readers that have reached `from` and were promised all events behind it. It fails when some of
    /// those may have been pruned, or when the log no longer has the event at `from`. What others read lately is not read again
    /// (`resuming`).
    ///
    /// Both are checked after the events were read. Events are removed and recorded as pruned in one transaction, so if nothing
    /// behind `from` was pruned by then, everything was there before. And a log that has lost its end does not get it back: if it
    /// has the event at `from` then, it had it before, and the events read continue from there. The rest, up to `until`, must
    /// also end where the tail was then.
    pub(crate) async fn read_whole(
        &self,
        topics: &Topics,
        from: Cursor,
        until: u64,
        limit: u64,
    ) -> Result<Result<Vec<Arc<Event>>, CursorError>> {
        if let Some(events) = self.tail().recent_behind(topics, from, until, limit) {
            METRICS.read_from_memory.inc();
            return Ok(events);
        }
        if let Some(events) = self.read_shared(topics, from, until, limit).await {
            METRICS.read_from_pages.inc();
            return Ok(Ok(events));
        }
        METRICS.read_from_log.inc();
        let database = &self.database().background;
        let events = read::read_after(database, Some(topics), from.position, until, limit).await?;
        let standing = read::read_standing(database, from.position).await?;
        if let Err(cause) = epoch::judge(from, &standing) {
            return Ok(Err(cause));
        }
        if (events.len() as u64) < limit
            && let Some(proof) = self.tail().proof_at(until)
        {
            // The tail continues from what it has handed on, which the log may have lost in the meantime.
            let until = Cursor {
                position: until,
                proof: Some(proof),
                ..from
            };
            let standing = read::read_standing(database, until.position).await?;
            if let Err(cause) = epoch::judge(until, &standing) {
                return Ok(Err(cause));
            }
        }
        Ok(Ok(events.into_iter().map(Arc::new).collect()))
    }
}
