//! What a process observes of its own writes.

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::*;
use crate::{
    Meta, NewEvent,
    kit::{self, SqliteFile},
};

const STREAM: StreamKey = StreamKey {
    kind: "customer",
    id: Uuid::from_u128(1),
};

#[tokio::test]
async fn observers_learn_the_types_of_events_at_the_commit_and_when_they_arrive() {
    let (_file, database) = SqliteFile::create().await;
    let log = EventLog::start(database, kit::config())
        .await
        .expect("the log starts");
    let observed = Arc::new(Mutex::new(Vec::new()));
    let arrived = Arc::new(Notify::new());
    let (list, notify) = (observed.clone(), arrived.clone());
    log.observe(move |kind, id, event_type| {
        let mut list = list.lock();
        list.push((kind.to_owned(), id, event_type.to_owned()));
        if list.len() == 4 {
            notify.notify_one();
        }
    });
    log.write(|tx| {
        Box::pin(async move {
            for (version, event_type) in ["CustomerCreated", "CustomerRenamed"].iter().enumerate() {
                let event = NewEvent {
                    event_type,
                    schema_version: 1,
                    data: &(),
                    occurred_at: crate::now(),
                };
                tx.append(STREAM, version as i64, event, &Meta::default())
                    .await?;
            }
            Ok::<_, Error>(())
        })
    })
    .await
    .expect("the write");
    assert!(observed.lock().len() >= 2, "the commit");
    arrived.notified().await;
    let seen = |event_type: &str| (STREAM.kind.to_owned(), STREAM.id, event_type.to_owned());
    let mut observed = observed.lock().clone();
    // The pump may be faster than the writer's own notification.
    observed.sort();
    let [created, renamed] = [seen("CustomerCreated"), seen("CustomerRenamed")];
    assert_eq!(
        observed,
        [created.clone(), created, renamed.clone(), renamed]
    );
}
