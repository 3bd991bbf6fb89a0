-- The head is updated at every pass. While any transaction is open, no dead version of its row can be removed, and whoever
-- looked for the row went through all of them: after 40,000 passes one took 3 ms and more. Positions only grow, so by an index
-- of them the newest version is the last entry, and the one that is updated is found by its position. With the primary
-- key goes the other index: every new version would have to be checked against all the dead ones of the same key.
create index log_head_position on log_head (position);
alter table log_head drop constraint log_head_pkey;
alter table log_head replica identity full;

-- As in 0001, but for how the head is found.
create or replace function sequence_events(
    out head_epoch bigint, out head_position bigint, out head_pruned bigint, out head_parts bigint[], out numbered bigint
) language plpgsql volatile
-- Few rows are fresh, however many there are; the planner cannot know, as the bounds are read within the statement. It
-- must not scan the log for them, nor spend a second on compiling (jit) what takes half a millisecond.
set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
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
        select inserted, part from event
        where xid >= pg_snapshot_xmax((select snapshot from head))
        union all
        select inserted, part from event
        where xid = any (array(select pg_snapshot_xip((select snapshot from head))))
    ), placed as (
        select inserted, part,
               (select position from head) + row_number() over (order by inserted) as position
        from fresh f
        where not exists (select from event_position p where p.inserted = f.inserted)
    ), stored as (
        insert into event_position (position, inserted, previous)
        select position, inserted,
               coalesce(lag(position) over (partition by part order by position),
                        (select part_positions[placed.part + 1] from head))
        from placed
        order by position
    ), part_heads as (
        select part, max(position) as position, count(*) as events from placed group by part
    ), total as (
        select max(position) as position, sum(events)::bigint as events from part_heads
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
    where total.events > 0 and h.position = (select position from head)
    returning h.epoch, h.position, h.pruned, h.part_positions, total.events
    into head_epoch, head_position, head_pruned, head_parts, numbered;

    if numbered is null then
        select epoch, position, pruned, part_positions, 0
        into head_epoch, head_position, head_pruned, head_parts, numbered
        from log_head order by position desc limit 1;
    end if;
end
$$;
