-- How far the transaction ids of events are renewed, by insertion, and how far they have to be; null while nothing is to be done.
alter table log_head
    add column renewed       bigint,
    add column renewed_until bigint;

-- After a dump was restored into a cluster whose transaction ids are lower, the stored ones mean nothing: those of millions of events would
-- be fresh at every pass. This renews so many of them that a statement is soon over, and returns whether all are. The caller holds the
-- lock of the sequencer. An event that has a position gets an id that is never fresh, and one that has none the lowest of all others.
--
-- Why nothing is passed over: the events without a position are those of the dump that the last pass before it did not see, which were open
-- then (`xip`) or began later (`xmax` or more), and those that were written since. The former have ids that are `xmax` of this cluster or
-- more, and get the lowest one when their turn comes, or are looked up by `xip`. The latter are behind all events that had a position, so
-- all that are visible in the end get the lowest one; others are open or begin later for the snapshot `here`, which was taken before, and
-- is the one that the next pass goes on from, with the lowest id as open.
create function renew_xids() returns boolean language plpgsql volatile
set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
    here  pg_snapshot := pg_current_snapshot();
    place bigint;
    last  bigint;
    until bigint;
begin
    select renewed, renewed_until into place, last from log_head order by position desc limit 1;
    if place is null then
        place := 0;
        select coalesce(max(inserted), 0) into last from event_position;
        update event e set xid = '3'
        where xid = any (array(select pg_snapshot_xip(snapshot) from (select snapshot from log_head order by position desc limit 1) h))
          and not exists (select from event_position p where p.inserted = e.inserted);
        -- What erasures remember of ids means nothing either: their second passes look at everything.
        update erasure set first_xid = '0' where finished_at is null;
    end if;

    select max(inserted) into until
    from (select inserted from event where inserted > place and inserted <= last order by inserted limit 10000) w;

    update event e set xid = w.xid
    from (
        select d.inserted, case when p.inserted is null then '3'::xid8 else '1'::xid8 end as xid
        from event d left join event_position p on p.inserted = d.inserted
        where d.inserted > place and d.inserted <= coalesce(until, 9223372036854775807)
          and (until is null or d.xid >= pg_snapshot_xmax(here))
    ) w
    where e.inserted = w.inserted;

    update log_head
    set renewed = until,
        renewed_until = case when until is not null then last end,
        snapshot = case when until is not null then snapshot else (
            select '3:' || pg_snapshot_xmax(here)::text || ':' || string_agg(xip::text, ',' order by xip)
            from (select '3'::xid8 as xip union select pg_snapshot_xip(here)) o
        )::pg_snapshot end;
    return until is null;
end
$$;

-- As in 0020, but for dumps from other clusters: while their ids are renewed, nothing is numbered, and `numbered` is -1.
create or replace function number_known_events(
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
        -- Another database, or nothing is known of it yet: an epoch begins first. The lock is taken in a statement of its own, so that
        -- what follows sees who was first. What was renewed for yet another cluster is renewed again.
        perform pg_advisory_xact_lock(7020109114097099);
        update log_head
        set epoch = case when is_other then (epoch + 1 + floor(random() * 4294967294)::bigint) % 4294967296 else epoch end,
            renewed = case when is_other and renewed is not null then 0 else renewed end,
            identity = array[
                coalesce(here[1], identity[1]), coalesce(here[2], identity[2]), coalesce(here[3], identity[3])
            ]
        from (select coalesce(here[1] <> h.identity[1] or here[2] <> h.identity[2] or here[3] <> h.identity[3], false) as is_other
              from log_head h order by h.position desc limit 1) it;
    end if;

    perform pg_advisory_xact_lock(7020109114097099);

    if (select renewed is not null or pg_snapshot_xmax(snapshot) > pg_snapshot_xmax(pg_current_snapshot())
        from log_head order by position desc limit 1) and not renew_xids() then
        select epoch, position, pruned, part_positions, -1
        into head_epoch, head_position, head_pruned, head_parts, numbered
        from log_head order by position desc limit 1;
        return;
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
