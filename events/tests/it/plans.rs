//! Plans do not depend on statistics: a log that was filled at once, and never analyzed, is read by its keys. The tests count what
//! Postgres fetched, not the time it took.

use events::{EventSource, Range, Topic};
use futures::StreamExt;
use sea_orm::{ConnectionTrait, TransactionTrait};
use tests::eventually;

use crate::world::{SOON, Way, World, connect, start_log};

const EVENTS: i64 = 60_000;
/// The number of events read: two pages of one kind of stream.
const READ: i64 = 128;

/// Returns the rows fetched from the tables of the log, in any way, as far as reported.
async fn fetched(world: &World) -> i64 {
    world
        .number(
            "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint as number
             from pg_stat_user_tables where relname in ('event', 'event_position')",
        )
        .await
}

#[test]
fn a_log_that_was_never_analyzed_is_read_by_keys() {
    tests::setup::run(async || {
        let world = World::new(Way::Distributed).await;
        let fill = world.database.schema_connection();
        let transaction = fill.begin().await.expect("a transaction");
        let sql = format!(
            "alter table event set (autovacuum_enabled = false);
             alter table event_position set (autovacuum_enabled = false);
             insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at)
             select gen_random_uuid(), n % 16, case n % 2 when 0 then 'even' else 'odd' end, gen_random_uuid(), 1,
                    'Numbered', 1, '{{}}', '{{\"actor\":\"test\"}}', now()
             from generate_series(1, {EVENTS}) n;"
        );
        transaction.execute_unprepared(&sql).await.expect("events");
        transaction.commit().await.expect("a commit");
        let number =
            "select numbered as number from number_events(); select pg_stat_force_next_flush()";
        fill.execute_unprepared(number).await.expect("positions");
        eventually("what was written is reported", SOON, async || {
            let written = world
                .number("select n_tup_ins as number from pg_stat_user_tables where relname = 'event_position'")
                .await;
            (written >= EVENTS).then_some(())
        })
        .await;

        let database = connect(&world.database_url).await;
        let log = start_log(database, None, "later").await;
        let from = log.cursor_at(1_000).await.expect("a cursor");
        let before = fetched(&world).await;
        let topic = Topic {
            kind: "odd",
            id: None,
        };
        let range = Range {
            after: from,
            until: None,
        };
        let source = EventSource::new(log.clone(), range);
        let followed = source.follow(topic).take(READ as usize);
        let positions: Vec<u64> = followed
            .map(|event| event.expect("an event").position)
            .collect()
            .await;
        assert!(positions.iter().all(|position| position % 2 == 1));
        let read = eventually("what was read is reported", SOON, async || {
            let read = fetched(&world).await - before;
            (read >= 2 * READ).then_some(read)
        })
        .await;
        assert!(
            read < 20 * READ,
            "{read} rows were fetched for {READ} events"
        );
    });
}
