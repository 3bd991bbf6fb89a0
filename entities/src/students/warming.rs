//! The worker that keeps the shared cache warm: what was created or changed is put there as the event shows it, what was
//! deleted is taken out. Once a student is in, that is said by an event, which commits with the checkpoint: it is raised
//! exactly once for each batch of a student's changes, and only if the store took the student. With the store away the
//! worker goes on; the students are put there by whoever reads them next.

use std::{collections::BTreeMap, sync::Arc};

use ::events::{Appending, Begin, Event, EventLog, Follower, Meta, SharedStore, Tx, now};
use futures::future::BoxFuture;
use uuid::Uuid;

use super::{
    CACHE_STREAM, STREAM, Student, StudentEvent, StudentEventKind,
    events::{StudentData, new_event},
};
use crate::cache::{CacheConfig, SharedLevel, Stamp};

use events::DatabaseTransaction;

/// Who raises the events.
const ACTOR: &str = "student_cache";

/// The follower that puts students into the shared cache as they change.
pub struct WarmingFollower {
    log: EventLog,
    store: SharedStore,
}

impl WarmingFollower {
    /// The follower, if the processes share a store.
    pub fn new(log: &EventLog) -> Option<Self> {
        Some(Self {
            log: log.clone(),
            store: log.shared_store()?.clone(),
        })
    }

    /// Puts the students in, or takes them out, as their last events say; those that are in now.
    async fn warm(&self, events: &[Arc<Event>]) -> ::events::Result<Vec<(Arc<Event>, Student)>> {
        let epoch = self.log.tail().cursor().epoch;
        let mut latest: BTreeMap<Uuid, (Arc<Event>, StudentEvent)> = BTreeMap::new();
        for event in events {
            latest.insert(
                event.stream_id,
                (event.clone(), StudentEvent::decode(event)?),
            );
        }
        let (gone, living): (Vec<_>, Vec<_>) = latest
            .into_values()
            .partition(|(_, decoded)| decoded.kind == StudentEventKind::Deleted);
        let level =
            SharedLevel::<Student>::new(self.store.clone(), CacheConfig::default().lifetime);
        let gone: Vec<_> = gone.iter().map(|(event, _)| event.stream_id).collect();
        if !level.remove_all(epoch, &gone).await {
            tracing::debug!(
                students = gone.len(),
                "deleted students stay in the cache for a while"
            );
        }
        let rows: Vec<_> = living
            .iter()
            .map(|(event, decoded)| {
                let position = event.position;
                let stamp = Stamp::at(::events::Cursor {
                    epoch,
                    position,
                    proof: None,
                });
                (event.stream_id, &decoded.student, stamp)
            })
            .collect();
        if !level.put_all(&rows).await {
            return Ok(Vec::new());
        }
        Ok(living
            .into_iter()
            .map(|(event, decoded)| (event, decoded.student))
            .collect())
    }
}

impl Follower for WarmingFollower {
    fn name(&self) -> &'static str {
        ACTOR
    }

    fn wants(&self, stream: &str) -> bool {
        stream == STREAM
    }

    /// What changed long ago need not be hot.
    fn begins(&self) -> Begin {
        Begin::WithWhatIsLeft
    }

    /// It keeps nothing in the database.
    fn apply<'a>(
        &'a self,
        _: &'a DatabaseTransaction,
        _: &'a [Arc<Event>],
    ) -> BoxFuture<'a, ::events::Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn raise<'a>(
        &'a self,
        tx: &'a Tx<'a>,
        events: &'a [Arc<Event>],
    ) -> BoxFuture<'a, ::events::Result<()>> {
        Box::pin(async move {
            let warmed = self.warm(events).await?;
            let ids: Vec<_> = warmed.iter().map(|(event, _)| event.stream_id).collect();
            let versions = tx.last_versions(CACHE_STREAM, &ids).await?;
            let raised: Vec<_> = warmed
                .into_iter()
                .map(|(cause, student)| (meta_of(&cause), StudentData { student }))
                .collect();
            let at = now();
            let events = raised.iter().map(|(meta, data)| Appending {
                stream_id: data.student.id,
                expected: versions.get(&data.student.id).copied().unwrap_or(0),
                event: new_event(StudentEventKind::Cached, data, at),
                meta,
            });
            tx.append_all(CACHE_STREAM, events.collect()).await
        })
    }
}

/// The change is what caused it.
fn meta_of(cause: &Event) -> Meta {
    Meta {
        actor: ACTOR.to_owned(),
        correlation_id: cause.meta.correlation_id.clone(),
        causation_id: Some(cause.event_id),
        traceparent: cause.meta.traceparent.clone(),
        ..Meta::default()
    }
}
