//! The events since the beginning: read by position, for all parts at once, and applied in batches until the end of the log is near.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Rebuild, Result,
    build::{PIECE_EVENTS, place_of},
    state::Saved,
};
use crate::{
    Database, Event, PARTS,
    read::{self, Head},
    read_checkpoint,
    sql::{from_i64, query_as, to_i64},
};

/// A distance from the end that is near enough: the rest is applied while the live follower waits.
const NEAR: u64 = 200;
/// How long to wait for a live model that does not move.
const LIVE_PATIENCE: Duration = Duration::from_secs(3);
/// The number of rounds after which the end counts as near, whatever is left: writers are as fast as we are.
const MOST_ROUNDS: u32 = 100_000;

/// Returns the head with the last position of each part up to its own. On SQLite the head is read in several statements, and
/// events may arrive between them.
pub(super) async fn settle_parts(database: &Database, mut head: Head) -> Result<Head> {
    if database.is_embedded() {
        let sql = (0..PARTS)
            .map(|part| {
                format!(
                    "select max(coalesce((select max(inserted) from event where part = {part} and inserted <= $1), 0),
                                coalesce((select position from pruned_part where part = {part}), 0)) as position"
                )
            })
            .collect::<Vec<_>>()
            .join(" union all ");
        let connection = &database.background;
        let values = vec![to_i64(head.position).into()];
        for (part, position) in head
            .parts
            .iter_mut()
            .zip(query_as(connection, &sql, values).await?)
        {
            *part = from_i64(position);
        }
    }
    Ok(head)
}

impl Rebuild {
    pub(super) async fn follow(&self, saved: &mut Saved) -> Result<()> {
        for _ in 0..MOST_ROUNDS {
            self.check_stop()?;
            let connection = &self.database.background;
            let head = read::sequence(connection, 0).await?.head;
            let limit = self.config.batch_events.min(PIECE_EVENTS);
            let events =
                read::read_after(connection, None, saved.position, head.position, limit).await?;
            let Some(last) = events.last() else {
                return Ok(());
            };
            let (newest, behind) = (place_of(last), head.position - last.position);
            let count = events.len() as u64;
            let mut next = saved.clone();
            next.position = last.position;
            for event in &events {
                next.parts[event.part as usize] = event.position;
            }
            let wanted = self.wanted(events);
            next.done += wanted.len() as u64;
            self.commit((saved, &next), newest, wanted).await?;
            *saved = next;
            self.report(saved);
            if behind == 0 && count < NEAR {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Waits, as long as the live model moves, until it has reached the new one, so that all can be compared at the change.
    pub(super) async fn await_live(&self, saved: &Saved) -> Result<()> {
        let (mut progress, mut moved_at) = (0, Instant::now());
        loop {
            let live = read_checkpoint(&self.database.background, self.model.name()).await?;
            let mut parts = live.parts.iter().zip(&saved.parts);
            if parts.all(|(live, built)| live >= built) {
                return Ok(());
            }
            if live.progress > progress {
                (progress, moved_at) = (live.progress, Instant::now());
            }
            if moved_at.elapsed() > LIVE_PATIENCE {
                return Ok(());
            }
            self.check_stop()?;
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns the events that the model derives from.
    pub(super) fn wanted(&self, events: Vec<Event>) -> Vec<Arc<Event>> {
        let wanted = events
            .into_iter()
            .filter(|event| event.stream == self.model.stream());
        wanted.map(Arc::new).collect()
    }
}
