-- The same pass as `number_events`, in one function, which also answers with the events that it numbered, if they are few: their
-- ids, and the position before each in its part. The process that has written them need not read them.
--
-- Every statement of a volatile function takes a snapshot of its own, so the numbering statement sees all that was committed when
-- the lock was granted. What is fresh, and why nothing is passed over, is said in 0001.
create function number_known_events(
    reached bigint,
    out head_epoch bigint, out head_position bigint, out head_pruned bigint, out head_parts bigint[], out numbered bigint,
    out head_event uuid, out reached_event uuid, out events uuid[], out previous bigint[]
) language plpgsql volatile
-- Few rows are fresh, however many there are; the planner cannot know, as the bounds are read within the statement. It must not
-- scan the log for them, nor spend a second on compiling (jit) what takes half a millisecond.
set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    here  text[] := log_identity();
    known text[];
begin
    select identity into known from log_head order by position desc limit 1;
    if known is null or here[1] <> known[1] or here[2] <> known[2] or here[3] <> known[3]
       or (known[1] is null and here[1] is not null) or (known[2] is null and here[2] is not null) then
        -- Another database, or nothing is known of it yet: `number_events` begins an epoch first.
        perform number_events();
    end if;

    perform pg_advisory_xact_lock(7020109114097099);

    -- A dump restored into a cluster whose transaction ids are lower: the stored ones mean nothing here.
    if (select pg_snapshot_xmax(snapshot) > pg_snapshot_xmax(pg_current_snapshot())
        from log_head order by position desc limit 1) then
        update event set xid = '3' where xid >= pg_snapshot_xmax(pg_current_snapshot());
        update log_head set snapshot = '3:3:';
    end if;

    with head as materialized (
        select position, part_positions, snapshot from log_head order by position desc limit 1
    ), fresh as (
        select inserted, part, event_id from event
        where xid >= pg_snapshot_xmax((select snapshot from head))
        union all
        select inserted, part, event_id from event
        where xid = any (array(select pg_snapshot_xip((select snapshot from head))))
    ), ordered as (
        select inserted, part, event_id,
               (select position from head) + row_number() over (order by inserted) as position
        from fresh f
        where not exists (select from event_position p where p.inserted = f.inserted)
    ), placed as materialized (
        select inserted, part, event_id, position,
               coalesce(lag(position) over (partition by part order by position),
                        (select part_positions[ordered.part + 1] from head)) as previous
        from ordered
    ), stored as (
        insert into event_position (position, inserted, previous)
        select placed.position, placed.inserted, placed.previous from placed order by placed.position
    ), part_heads as (
        select part, max(placed.position) as position from placed group by part
    ), total as (
        select max(placed.position) as position, count(*) as count,
               array_agg(placed.event_id order by placed.position) as ids,
               array_agg(placed.previous order by placed.position) as before
        from placed
    )
    update log_head h
    set position = total.position,
        part_positions = (
            select array_agg(coalesce(part_heads.position, old.position) order by old.number)
            from unnest(h.part_positions) with ordinality as old (position, number)
            left join part_heads on part_heads.part = old.number - 1
        ),
        snapshot = pg_current_snapshot()
    from total
    where total.count > 0 and h.position = (select position from head)
    returning h.epoch, h.position, h.pruned, h.part_positions, total.count, total.ids[total.count],
              case when total.count <= 500 then total.ids end, case when total.count <= 500 then total.before end
    into head_epoch, head_position, head_pruned, head_parts, numbered, head_event, events, previous;

    if numbered is null then
        select epoch, position, pruned, part_positions, 0
        into head_epoch, head_position, head_pruned, head_parts, numbered
        from log_head order by position desc limit 1;
        head_event := event_at(head_position);
    end if;
    reached_event := case when reached = head_position then head_event else event_at(reached) end;
end
$$;
