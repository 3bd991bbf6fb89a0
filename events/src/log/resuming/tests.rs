//! Readers who go on from the same region read the log once, get what the log has, and are told when they come from another history.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::*;
use crate::{
    CursorError, ERASURE_STREAM, Topic,
    kit::{self, EPOCH, SqliteFile, cursor, quiet_log, topic},
};

/// Some whole pages, and the beginning of one.
const EVENTS: u64 = 1_700;
const LIMIT: u64 = 64;

const CHATS: Topic = Topic {
    kind: "chat",
    id: None,
};

/// Returns a log whose process has just started: nothing is in its memory.
async fn started() -> (SqliteFile, EventLog) {
    let (file, database) = SqliteFile::create().await;
    let sql = format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < {EVENTS})
         insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at, previous)
         select unhex(printf('%032x', i)), 0, case when i % 7 = 0 then 'inbox' else 'chat' end,
                unhex(printf('%032x', i % 30)), i, 'Happened', 1, '{{}}', '{{\"actor\":\"test\"}}', '2026-01-01T00:00:00Z', 0 from n"
    );
    let writer = database.writer();
    writer.execute_unprepared(&sql).await.expect("the events");
    let epoch = format!("update log_head set epoch = {EPOCH}");
    writer.execute_unprepared(&epoch).await.expect("the epoch");
    (file, quiet_log(database, EVENTS))
}

/// Makes every read of the log fail.
async fn lock_away(log: &EventLog) {
    let writer = log.database().writer();
    let hide = "alter table event rename to hidden";
    writer.execute_unprepared(hide).await.expect("it is hidden");
}

fn topics(topic: Topic) -> Topics {
    topic.into()
}

/// Goes on from a place to another, in batches; returns the positions.
async fn read(log: &EventLog, topic: Topic, from: u64, until: u64) -> Result<Vec<u64>, String> {
    let (topics, mut reached) = (topics(topic), cursor(from));
    let mut positions = Vec::new();
    loop {
        let read = log.read_whole(&topics, reached, until, LIMIT).await;
        let events = read
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        let Some(last) = events.last() else {
            return Ok(positions);
        };
        reached = Cursor::behind(last, EPOCH);
        positions.extend(events.iter().map(|event| event.position));
        if (events.len() as u64) < LIMIT {
            return Ok(positions);
        }
    }
}

fn expected(topic: Topic, from: u64, until: u64) -> Vec<u64> {
    let all = from + 1..=until;
    let wanted = |position: &u64| {
        let kind = if position.is_multiple_of(7) {
            "inbox"
        } else {
            "chat"
        };
        let is_of_kind = topic == Topic::EVERYTHING || topic.kind == kind;
        is_of_kind
            && topic
                .id
                .is_none_or(|id| id == Uuid::from_u128(u128::from(position % 30)))
    };
    all.filter(wanted).collect()
}

#[tokio::test]
async fn what_one_reader_had_read_another_is_given() {
    let (_file, log) = started().await;
    let readers = [
        Topic::EVERYTHING,
        CHATS,
        topic("inbox", 7),
        topic("chat", 3),
    ];
    for _ in 0..2 {
        for topic in readers {
            assert_eq!(
                read(&log, topic, 10, EVENTS).await,
                Ok(expected(topic, 10, EVENTS))
            );
        }
    }
    lock_away(&log).await;
    for topic in readers {
        for (from, until) in [
            (10, EVENTS),
            (0, 700),
            (500, 1_000),
            (499, 501),
            (1_600, EVENTS),
            (777, 778),
        ] {
            let found = read(&log, topic, from, until).await;
            assert_eq!(
                found,
                Ok(expected(topic, from, until)),
                "{topic:?} {from} {until}"
            );
        }
    }
    let resolved = log.resolve(cursor(600)).await.expect("no look at the log");
    assert_eq!(resolved, Ok(cursor(600)));
}

#[tokio::test]
async fn pages_lead_to_what_is_in_memory() {
    let (_file, log) = started().await;
    let arrived = (EVENTS + 1..=EVENTS + 100).map(|position| kit::event(position, "chat", 1));
    log.tail().offer(EPOCH, arrived);
    let all: Vec<u64> = (1_451..=EVENTS + 100).collect();
    for _ in 0..3 {
        assert_eq!(
            read(&log, Topic::EVERYTHING, 1_450, EVENTS + 100).await,
            Ok(all.clone())
        );
    }
    lock_away(&log).await;
    assert_eq!(
        read(&log, Topic::EVERYTHING, 1_450, EVENTS + 100).await,
        Ok(all)
    );
}

#[tokio::test]
async fn another_history_is_told_and_what_was_erased_is_read_again() {
    let (_file, log) = started().await;
    for _ in 0..2 {
        read(&log, Topic::EVERYTHING, 0, EVENTS)
            .await
            .expect("events");
    }
    let all = topics(Topic::EVERYTHING);
    let foreign = Cursor {
        proof: cursor(701).proof,
        ..cursor(700)
    };
    let earlier = Cursor {
        epoch: EPOCH - 1,
        ..cursor(700)
    };
    for place in [foreign, earlier] {
        let read = log
            .read_whole(&all, place, 900, LIMIT)
            .await
            .expect("a look");
        assert_eq!(read.err(), Some(CursorError::Foreign), "{place:?}");
    }
    let shared = log.read_shared(&all, cursor(1_650), EVENTS, LIMIT).await;
    assert_eq!(shared.map(|events| events.len()), Some(50));
    let erasure = kit::event(EVENTS + 1, ERASURE_STREAM, 1);
    log.tail().offer(EPOCH, [erasure]);
    lock_away(&log).await;
    assert!(
        read(&log, Topic::EVERYTHING, 0, 900).await.is_err(),
        "it is not taken from memory"
    );
}
