-- The database that numbered last, as far as it can be told: cluster, timeline, database.
alter table log_head add column identity text[];

-- What it can be told by. A standby that is promoted and a restore to a point in time begin a new timeline; a dump is restored
-- into a database with another oid, or in another cluster. What the role may not call, or the server does not have, is null.
create function log_identity() returns text[] language plpgsql volatile as $$
declare
    cluster  text;
    timeline text;
begin
    begin
        select system_identifier::text into cluster from pg_control_system();
    exception when others then
        cluster := null;
    end;
    begin
        timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
    exception when others then
        timeline := null;
    end;
    return array[cluster, timeline, (select oid::text from pg_database where datname = current_database())];
end
$$;

-- A sequencer pass that never gives a position out again in one epoch, as far as the database can tell: in a database that is
-- not the one that numbered last, a new epoch begins before anything is numbered. What one role can tell and another cannot
-- is no difference.
create function number_events(
    out head_epoch bigint, out head_position bigint, out head_pruned bigint, out head_parts bigint[], out numbered bigint
) language plpgsql volatile as $$
declare
    here  text[] := log_identity();
    known text[];
begin
    select identity into known from log_head order by position desc limit 1;
    if known is null or here[1] <> known[1] or here[2] <> known[2] or here[3] <> known[3]
       or (known[1] is null and here[1] is not null) or (known[2] is null and here[2] is not null) then
        -- The sequencer's lock, in a statement of its own, so that what follows sees who was first.
        perform pg_advisory_xact_lock(7020109114097099);
        update log_head
        set epoch = case
                when here[1] <> identity[1] or here[2] <> identity[2] or here[3] <> identity[3]
                then (epoch + 1 + floor(random() * 4294967294)::bigint) % 4294967296
                else epoch
            end,
            identity = array[
                coalesce(here[1], identity[1]), coalesce(here[2], identity[2]), coalesce(here[3], identity[3])
            ];
    end if;

    select s.head_epoch, s.head_position, s.head_pruned, s.head_parts, s.numbered
    into head_epoch, head_position, head_pruned, head_parts, numbered
    from sequence_events() s;
end
$$;

update log_head set identity = log_identity();
