//! The follower that keeps the shared cache warm: it stores a created or changed record as the event shows it, and removes a
//! deleted one. When a record has been stored, an event says so and commits with the checkpoint: there is exactly one for each
//! batch of a record's changes, and only if the store took the record. A record whose last event is of an earlier version is removed
//! like a deleted one, and no event tells of it. While the store is down the follower goes on; the next reader of a record stores it.
//!
//! Caching does not change a record. So the event belongs to a stream of its own, and the version of the record, which
//! `expected_version` is compared with, grows with changes only.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use ::events::{
    Appending, Applying, Begin, DatabaseTransaction, Event, EventLog, Follower, Meta, SharedStore,
    Tx, now,
};
use uuid::Uuid;

use super::{Change, Record, RecordEvent, event::new_event};
use crate::cache::{CacheConfig, SharedLevel, Stamp};

/// The follower that puts records into the shared cache as they change.
pub struct WarmingFollower<R> {
    log: EventLog,
    store: SharedStore,
    stream: &'static str,
    kind: PhantomData<fn() -> R>,
}

impl<R: Record> WarmingFollower<R> {
    /// Returns the follower, if the domain keeps its records warm and the processes share a store.
    pub fn new(log: &EventLog) -> Option<Self> {
        Some(Self {
            log: log.clone(),
            store: log.shared_store()?.clone(),
            stream: R::CACHE_STREAM?,
            kind: PhantomData,
        })
    }

    /// Stores or removes records as their last events say. Returns the records that were stored.
    async fn warm(&self, events: &[Arc<Event>]) -> ::events::Result<Vec<(Arc<Event>, R::Data)>> {
        let epoch = self.log.tail().cursor().epoch;
        let mut latest: BTreeMap<Uuid, (&Arc<Event>, RecordEvent<R>)> = BTreeMap::new();
        for event in events {
            latest.insert(event.stream_id, (event, RecordEvent::decode(event)?));
        }
        // What an earlier version wrote may lack what the row has. The next reader loads that.
        let (gone, living): (Vec<_>, Vec<_>) = latest
            .into_values()
            .partition(|(_, decoded)| decoded.change == Change::Deleted || decoded.is_older);
        let level = SharedLevel::<R>::new(self.store.clone(), CacheConfig::default().lifetime);
        let gone: Vec<_> = gone.iter().map(|(event, _)| event.stream_id).collect();
        if !level.remove_all(epoch, &gone).await {
            tracing::debug!(
                records = gone.len(),
                "records could not be removed from the cache yet"
            );
        }
        let rows = living.iter().map(|(event, decoded)| {
            let stamp = Stamp::at(::events::Cursor {
                epoch,
                position: event.position,
                proof: None,
            });
            (event.stream_id, decoded.record(), stamp)
        });
        if !level.put_all(&rows.collect::<Vec<_>>()).await {
            return Ok(Vec::new());
        }
        let living = living.into_iter();
        Ok(living.map(|(event, it)| (event.clone(), it.data)).collect())
    }
}

impl<R: Record> Follower for WarmingFollower<R> {
    fn name(&self) -> &'static str {
        self.stream
    }

    fn wants(&self, stream: &str) -> bool {
        stream == R::NAME
    }

    /// Records whose changes were pruned long ago need not be hot.
    fn begins(&self) -> Begin {
        Begin::WithWhatIsLeft
    }

    /// Does nothing in the transaction: the follower keeps nothing in the database.
    fn apply<'a>(&'a self, _: &'a DatabaseTransaction, _: &'a [Arc<Event>]) -> Applying<'a> {
        Box::pin(async { Ok(()) })
    }

    fn raise<'a>(&'a self, tx: &'a Tx<'a>, events: &'a [Arc<Event>]) -> Applying<'a> {
        Box::pin(async move {
            let warmed = self.warm(events).await?;
            let ids: Vec<_> = warmed.iter().map(|(event, _)| event.stream_id).collect();
            let versions = tx.last_versions(self.stream, &ids).await?;
            let metas: Vec<_> = warmed
                .iter()
                .map(|(cause, _)| meta_of(cause, self.stream))
                .collect();
            let at = now();
            let events = warmed.iter().zip(&metas).map(|((cause, data), meta)| {
                Ok(Appending {
                    stream_id: cause.stream_id,
                    expected: versions.get(&cause.stream_id).copied().unwrap_or(0),
                    event: new_event::<R>(Change::Cached, data, at)?,
                    meta,
                })
            });
            let events = events.collect::<::events::Result<_>>()?;
            tx.append_all(self.stream, events).await
        })
    }
}

/// Returns the metadata of the event; its cause is the change.
fn meta_of(cause: &Event, actor: &str) -> Meta {
    Meta {
        actor: actor.to_owned(),
        correlation_id: cause.meta.correlation_id.clone(),
        causation_id: Some(cause.event_id),
        traceparent: ::events::trace::context_after(cause),
        ..Meta::default()
    }
}
