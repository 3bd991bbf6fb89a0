-- `proven_event` is the id of the event at the position `proven`, which was the last one to be pruned. Cursors without a proof,
-- which programs gave out before this, are good up to `unproven_until`.
alter table log_head
    add column proven         bigint not null default 0,
    add column proven_event   uuid,
    add column unproven_until bigint not null default 0;

-- The id of the event at a position; also of the last one that was pruned. Found by keys, however large or small the tables are.
create function event_at(wanted bigint) returns uuid language plpgsql stable
set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    return coalesce(
        (select e.event_id from event_position p join event e on e.inserted = p.inserted where p.position = wanted),
        (select case when proven = wanted then proven_event end from log_head order by position desc limit 1)
    );
end
$$;

-- The same pass, which answers with the events at the head and at `reached`, too.
create function number_events(
    reached bigint,
    out head_epoch bigint, out head_position bigint, out head_pruned bigint, out head_parts bigint[], out numbered bigint,
    out head_event uuid, out reached_event uuid
) language plpgsql volatile as $$
begin
    select n.head_epoch, n.head_position, n.head_pruned, n.head_parts, n.numbered
    into head_epoch, head_position, head_pruned, head_parts, numbered
    from number_events() n;

    head_event := event_at(head_position);
    reached_event := case when reached = head_position then head_event else event_at(reached) end;
end
$$;

update log_head set unproven_until = position;
