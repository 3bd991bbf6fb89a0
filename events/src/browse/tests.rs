//! Pages against a list in memory: every filter, both directions, few matches and many, and a search that gives up.

use chrono::{DateTime, Duration, Utc};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{statements::FEW, *};
use crate::kit::{SqliteFile, quiet_log};

use crate::DatabaseConnection;

const EVENTS: u64 = 30_000;

/// Every 7th is of the kind `order`; each kind has two types; stream 9 and actor `seldom` have few events.
async fn fill(database: &DatabaseConnection, events: u64) {
    let sql = format!(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < {events})
         insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta,
                            occurred_at, previous)
         select randomblob(16), 0, case when i % 7 = 0 then 'order' else 'chat' end,
                unhex(printf('%032x', case when i % 1000 = 0 then 9 else i % 3 end)), i,
                (case when i % 7 = 0 then 'Order' else 'Chat' end) || (case when i % 5 = 0 then 'Closed' else 'Opened' end),
                1, '{{}}', case when i % 5000 = 1 then '{{\"actor\":\"seldom\"}}' else '{{\"actor\":\"often\"}}' end,
                strftime('%Y-%m-%dT%H:%M:%S', 1767225600 + i, 'unixepoch') || '+00:00', 0 from n"
    );
    database.execute_unprepared(&sql).await.expect("the events");
    let indexes = include_str!("../../../migration/src/sql/0012_operations.sqlite.sql");
    database
        .execute_unprepared(indexes)
        .await
        .expect("the indexes");
}

fn at(second: u64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().expect("a time");
    start + Duration::seconds(second as i64)
}

fn filters() -> Vec<LogFilter> {
    let any = LogFilter::default;
    let text = |text: &str| Some(text.to_owned());
    vec![
        any(),
        LogFilter {
            stream: text("order"),
            ..any()
        },
        LogFilter {
            stream: text("nothing"),
            ..any()
        },
        LogFilter {
            stream_id: Some(Uuid::from_u128(9)),
            ..any()
        },
        LogFilter {
            stream_id: Some(Uuid::from_u128(9)),
            stream: text("order"),
            ..any()
        },
        LogFilter {
            types: Some(vec!["OrderClosed".to_owned()]),
            ..any()
        },
        LogFilter {
            types: Some(vec!["OrderClosed".to_owned(), "ChatClosed".to_owned()]),
            ..any()
        },
        LogFilter {
            actor: text("seldom"),
            ..any()
        },
        LogFilter {
            actor: text("often"),
            stream: text("chat"),
            ..any()
        },
        LogFilter {
            from: Some(at(100)),
            before: Some(at(200)),
            ..any()
        },
        LogFilter {
            from: Some(at(20_000)),
            types: Some(vec!["OrderOpened".to_owned()]),
            ..any()
        },
        LogFilter {
            before: Some(at(3_000)),
            actor: text("seldom"),
            ..any()
        },
    ]
}

fn matches(filter: &LogFilter, event: &Event) -> bool {
    filter.stream.as_ref().is_none_or(|it| *it == event.stream)
        && filter.stream_id.is_none_or(|it| it == event.stream_id)
        && filter
            .types
            .as_ref()
            .is_none_or(|it| it.contains(&event.event_type))
        && filter
            .actor
            .as_ref()
            .is_none_or(|it| *it == event.meta.actor)
        && filter.from.is_none_or(|it| it <= event.occurred_at)
        && filter.before.is_none_or(|it| event.occurred_at < it)
}

#[tokio::test]
async fn pages_are_those_of_the_whole() {
    let (_file, database) = SqliteFile::create().await;
    fill(database.writer(), EVENTS).await;
    let log = quiet_log(database.clone(), EVENTS);
    let all = read::read_after(&database.background, None, 0, EVENTS, EVENTS).await;
    let all = all.expect("all events");
    assert_eq!(all.len() as u64, EVENTS);
    let mut by_index = 0;
    for filter in filters() {
        let wanted: Vec<u64> = all
            .iter()
            .filter(|event| matches(&filter, event))
            .map(|event| event.position)
            .collect();
        let way = few(&database.reader, &filter).await.expect("a count");
        by_index += u32::from(way.is_some());
        assert!(
            way.is_none() || wanted.len() as u64 <= FEW,
            "{filter:?} does not match few"
        );
        for from_end in [false, true] {
            // The first pages, and some from the middle.
            for start in [None, Some(15_000)] {
                let mut place = LogPlace {
                    after: None,
                    before: None,
                    limit: 700,
                    from_end,
                };
                match from_end {
                    true => place.before = start,
                    false => place.after = start,
                }
                for _ in 0..3 {
                    let page = log.browse(&filter, place).await.expect("a page");
                    let inside = |position: &&u64| {
                        place.after.is_none_or(|after| **position > after)
                            && place.before.is_none_or(|before| **position < before)
                    };
                    let rest: Vec<u64> = wanted.iter().filter(inside).copied().collect();
                    let take = rest.len().min(700);
                    let expected = match from_end {
                        true => &rest[rest.len() - take..],
                        false => &rest[..take],
                    };
                    let found: Vec<u64> = page.events.iter().map(|it| it.position).collect();
                    assert_eq!(found, expected, "{filter:?} {place:?}");
                    let has_more = if from_end {
                        page.has_previous
                    } else {
                        page.has_next
                    };
                    assert_eq!(has_more, rest.len() > take, "{filter:?} {place:?}");
                    assert_eq!(page.searched_to, None);
                    match (from_end, found.first(), found.last()) {
                        (true, Some(first), _) => place.before = Some(*first),
                        (false, _, Some(last)) => place.after = Some(*last),
                        _ => break,
                    }
                }
            }
        }
    }
    assert_eq!(by_index, 8, "filters that match few");
}

#[tokio::test]
async fn a_search_that_gives_up_goes_on_where_it_was() {
    const LONG: u64 = 2 * SEARCHED + 5_000;
    let (_file, database) = SqliteFile::create().await;
    fill(database.writer(), LONG).await;
    // Each of the conditions matches many events, and all of them together only distant ones.
    let sql = "update event set stream = 'order' where inserted < 5000";
    database
        .writer()
        .execute_unprepared(sql)
        .await
        .expect("an update");
    let sql = "update event set stream = 'chat' where inserted >= 5000 and type = 'OrderOpened'";
    database
        .writer()
        .execute_unprepared(sql)
        .await
        .expect("an update");
    let log = quiet_log(database.clone(), LONG);
    let filter = LogFilter {
        stream: Some("order".to_owned()),
        types: Some(vec!["OrderOpened".to_owned()]),
        ..LogFilter::default()
    };
    let mut place = LogPlace {
        after: None,
        before: None,
        limit: 10,
        from_end: true,
    };
    let mut gave_up = 0;
    let page = loop {
        let page = log.browse(&filter, place).await.expect("a page");
        let Some(reached) = page.searched_to else {
            break page;
        };
        assert!(page.events.is_empty() && page.has_previous);
        place.before = Some(reached);
        gave_up += 1;
    };
    assert_eq!(gave_up, 2);
    let positions: Vec<u64> = page.events.iter().map(|it| it.position).collect();
    let wanted = |position: &u64| position.is_multiple_of(7) && !position.is_multiple_of(5);
    let mut expected: Vec<u64> = (1..5_000).rev().filter(wanted).take(10).collect();
    expected.reverse();
    assert_eq!(positions, expected);
    assert!(page.has_previous && page.has_next);
    // The same from the other side.
    let place = LogPlace {
        after: Some(4_999),
        before: None,
        limit: 10,
        from_end: false,
    };
    let page = log.browse(&filter, place).await.expect("a page");
    assert!(page.events.is_empty() && page.has_next);
    assert_eq!(page.searched_to, Some(4_999 + SEARCHED));
}
