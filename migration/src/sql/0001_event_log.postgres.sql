-- An event row is written once and never updated. `inserted` orders the events of a stream; `xid` lets the
-- sequencer find exactly the rows that became visible since its last pass.
create table event (
    inserted       bigint generated always as identity primary key,
    xid            xid8        not null default pg_current_xact_id(),
    event_id       uuid        not null,
    part           smallint    not null check (part between 0 and 15),
    stream         text        not null,
    stream_id      uuid        not null,
    version        bigint      not null check (version > 0),
    type           text        not null,
    schema_version smallint    not null,
    data           json        not null,
    meta           json        not null,
    occurred_at    timestamptz not null,
    unique (stream_id, version, stream)
);
create index event_xid on event (xid);

-- The dense order of all events. `previous` is the position before this one in the same part (0 for the first).
create table event_position (
    position bigint primary key,
    inserted bigint not null unique,
    previous bigint not null
);

-- One row: how far the log is numbered, and the snapshot of the pass that did it.
create table log_head (
    singleton      boolean primary key default true check (singleton),
    epoch          bigint      not null,
    position       bigint      not null default 0,
    pruned         bigint      not null default 0,
    part_positions bigint[]    not null default array_fill(0::bigint, array[16]),
    snapshot       pg_snapshot not null
) with (fillfactor = 50);
insert into log_head (epoch, snapshot)
values (floor(random() * 4294967295)::bigint, pg_current_snapshot());

-- One sequencer pass; answers with the head after it and how many events it numbered.
--
-- Every statement of a volatile function takes a snapshot of its own, so the numbering statement sees all that was
-- committed when the lock was granted. Fresh are the rows visible now that were not visible to the last pass: those
-- of transactions that began after its snapshot (xid >= xmax) or were open in it (xid in xip). A transaction that
-- stays open therefore delays only its own events, and finding them costs index look-ups, however late they come.
create function sequence_events(
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
    if (select pg_snapshot_xmax(snapshot) > pg_snapshot_xmax(pg_current_snapshot()) from log_head) then
        update event set xid = '3' where xid >= pg_snapshot_xmax(pg_current_snapshot());
        update log_head set snapshot = '3:3:';
    end if;

    with head as materialized (
        select position, part_positions, snapshot from log_head
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
    where total.events > 0
    returning h.epoch, h.position, h.pruned, h.part_positions, total.events
    into head_epoch, head_position, head_pruned, head_parts, numbered;

    if numbered is null then
        select epoch, position, pruned, part_positions, 0
        into head_epoch, head_position, head_pruned, head_parts, numbered
        from log_head;
    end if;
end
$$;

-- Followers: how far each has come in each part, and who may move it (token grows with every change of owner).
create table checkpoint (
    follower     text        not null,
    part         smallint    not null,
    position     bigint      not null default 0,
    owner        text,
    token        bigint      not null default 0,
    leased_until timestamptz not null default '-infinity',
    primary key (follower, part)
) with (fillfactor = 50);

-- The processes that want parts of a follower, to share them evenly.
create table follower_member (
    follower text        not null,
    owner    text        not null,
    seen_at  timestamptz not null,
    primary key (follower, owner)
);
