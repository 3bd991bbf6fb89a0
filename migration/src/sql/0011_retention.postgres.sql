-- Work that one process at a time does for all: whoever holds the lease. The token grows with every change of owner.
create table housekeeping (
    job          text        primary key,
    owner        text,
    token        bigint      not null default 0,
    leased_until timestamptz not null default '-infinity'
);

-- Erasures of users' personal data, and how far each has come. `phase` is what it is at: log, tables, streams, archive,
-- waiting (for the second pass) or done. In the phase log, events up to `place` (of `until`) in the order of insertion are
-- redacted; the second pass looks at what transactions wrote that were open when the first began (`first_xid`) or began later.
create table erasure (
    subject      uuid        primary key,
    requested_at timestamptz not null,
    requested_by text        not null,
    pass         smallint    not null default 1,
    phase        text        not null default 'log',
    first_xid    text        not null default '3',
    place        bigint      not null default 0,
    until        bigint      not null default 0,
    events       bigint      not null default 0,
    changed_rows bigint      not null default 0,
    files        bigint,
    log_at       timestamptz,
    tables_at    timestamptz,
    streams_at   timestamptz,
    archive_at   timestamptz,
    finished_at  timestamptz,
    owner        text,
    token        bigint      not null default 0,
    leased_until timestamptz not null default '-infinity'
) with (fillfactor = 50);
create index erasure_unfinished on erasure (requested_at) where finished_at is null;
