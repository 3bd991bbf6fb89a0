//! What a process observes of its own writes, and how long it remembers them.

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

#[tokio::test]
async fn what_was_committed_and_has_no_position_is_forgotten_with_a_redaction() {
    let log = kit::quiet_log(Database::unconnected(), 4);
    let event = kit::event(0, "customer", 1);
    let numbered = [(event.event_id, 0)];
    log.shared.fresh.keep(event.clone());
    let reached = log.tail().cursor();
    assert!(log.shared.fresh.number(reached, &numbered).is_some());
    log.shared.fresh.keep(event);
    log.tail()
        .offer(kit::EPOCH, [kit::event(5, ERASURE_STREAM, 1)]);
    assert!(log.shared.fresh.number(reached, &numbered).is_none());
}

/// A large future is copied wherever it is handed on, and the compiler writes the copies out in each command.
#[tokio::test]
async fn a_write_is_small_for_its_caller() {
    let log = kit::quiet_log(Database::unconnected(), 4);
    let writing = log.write(|_| Box::pin(async { Ok::<_, Error>(()) }));
    let bytes = std::mem::size_of_val(&writing);
    assert!(bytes <= 768, "{bytes} bytes");
}
