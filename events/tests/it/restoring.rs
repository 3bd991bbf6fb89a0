//! A dump that was restored into a cluster whose transaction ids are lower: the stored ones belong to the future there. However many events
//! there are, a statement is soon over, and in the end each has a position.

use sea_orm::ConnectionTrait;

use crate::{
    losses::{await_position, write},
    world::{Way, World},
};

/// More events than are renewed in one statement.
const EVENTS: u64 = 12_000;
/// By how much the transaction ids of the cluster of the dump were higher.
const HIGHER: u64 = 1_000_000_000_000;

async fn run(connection: &impl ConnectionTrait, sql: &str) {
    let done = connection.execute_unprepared(sql).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn events(number: u64) -> String {
    format!(
        "insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at)
         select gen_random_uuid(), n % 16, 'other', gen_random_uuid(), 1, 'Other', 1, '{{}}', '{{\"actor\":\"test\"}}', now()
         from generate_series(1, {number}) n"
    )
}

#[test]
fn a_dump_of_another_cluster_is_renewed_in_pieces() {
    tests::setup::run(async || {
        let world = World::new(Way::Distributed).await;
        let writer = world.database.writer();
        // One transaction was open when the rest was numbered, and one had committed since.
        let open = writer.begin().await.expect("a transaction");
        run(&open, &events(1)).await;
        run(writer, &events(EVENTS)).await;
        run(writer, "select sequence_events()").await;
        open.commit().await.expect("a commit");
        run(writer, &events(1)).await;
        let ids = "select xid::text::bigint as number from event group by xid";
        assert_eq!(world.rows(ids).await.len(), 3);
        let restored = format!(
            "update event set xid = (xid::text::bigint + {HIGHER})::text::xid8;
             update log_head set snapshot = (
                 select (pg_snapshot_xmin(snapshot)::text::bigint + {HIGHER}) || ':' || (pg_snapshot_xmax(snapshot)::text::bigint + {HIGHER})
                     || ':' || string_agg((xip::text::bigint + {HIGHER})::text, ',' order by xip)
                 from pg_snapshot_xip(snapshot) xip)::pg_snapshot"
        );
        run(writer, &restored).await;
        // Here, something is written before anything is numbered.
        run(writer, &events(1)).await;

        let pass = "select numbered as number from number_known_events(0)";
        assert_eq!(world.number(pass).await, -1, "there are more");
        let higher =
            format!("select count(*) as number from event where xid::text::bigint >= {HIGHER}");
        assert_eq!(world.number(&higher).await, (EVENTS + 2) as i64 - 10_000);

        let log = world.log().await;
        await_position(&log, EVENTS + 3).await;
        assert_eq!(world.number(&higher).await, 0);
        let renewing = "select count(renewed) as number from log_head";
        assert_eq!(world.number(renewing).await, 0);
        write(&log, 2).await;
        await_position(&log, EVENTS + 5).await;
        let unnumbered = "select count(*) as number from event e
            where not exists (select from event_position p where p.inserted = e.inserted)";
        assert_eq!(world.number(unnumbered).await, 0);
        // What is numbered is fresh at no later pass.
        let fresh = "select count(*) as number from event, log_head where xid >= pg_snapshot_xmax(snapshot)";
        assert_eq!(world.number(fresh).await, 0);
    });
}
