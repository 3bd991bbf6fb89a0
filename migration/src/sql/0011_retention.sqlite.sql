-- The last position of each part that was pruned: what the next event of a part has for `previous` if no later one is left.
create table pruned_part (
    part     integer primary key,
    position integer not null
);

-- Work that one process at a time does for all: whoever holds the lease. The token grows with every change of owner.
create table housekeeping (
    job          text    primary key,
    owner        text,
    token        integer not null default 0,
    leased_until real    not null default 0
);

-- Erasures of users' personal data, and how far each has come. `phase` is what it is at: log, tables, streams, archive,
-- waiting (for the second pass) or done. In the phase log, events up to `place` (of `until`) in the order of insertion are
-- redacted; the second pass looks at what was written since.
create table erasure (
    subject      blob    primary key,
    requested_at text    not null,
    requested_by text    not null,
    pass         integer not null default 1,
    phase        text    not null default 'log',
    first_xid    text    not null default '3',
    place        integer not null default 0,
    until        integer not null default 0,
    events       integer not null default 0,
    changed_rows integer not null default 0,
    files        integer,
    log_at       text,
    tables_at    text,
    streams_at   text,
    archive_at   text,
    finished_at  text,
    owner        text,
    token        integer not null default 0,
    leased_until real    not null default 0
);
create index erasure_unfinished on erasure (requested_at) where finished_at is null;
