-- The same pass, which also answers with the events that it numbered: their ids, and the position before each in its part. The
-- process that has written them need not read them. When there are many, they are read in pages.
create function number_known_events(
    reached bigint,
    out head_epoch bigint, out head_position bigint, out head_pruned bigint, out head_parts bigint[], out numbered bigint,
    out head_event uuid, out reached_event uuid, out events uuid[], out previous bigint[]
) language plpgsql volatile
-- Found by keys, however large or small the tables are.
set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
    select n.head_epoch, n.head_position, n.head_pruned, n.head_parts, n.numbered, n.head_event, n.reached_event
    into head_epoch, head_position, head_pruned, head_parts, numbered, head_event, reached_event
    from number_events(reached) n;

    if numbered between 1 and 500 then
        select array_agg(e.event_id order by p.position), array_agg(p.previous order by p.position)
        into events, previous
        from event_position p join event e on e.inserted = p.inserted
        where p.position > head_position - numbered and p.position <= head_position;
    end if;
end
$$;
