-- The numbers of a source have no gaps, and who sees a number sees all below it.
create table signal_source (
    source      text    primary key,
    last_number integer not null
);
create table signal (
    id              blob    primary key,
    source          text    not null,
    number          integer not null,
    value           real    not null,
    status          text    not null,
    missing         text    not null,
    version         integer not null,
    submitted_by    text    not null,
    submitted_at    text    not null,
    deadline_at     text    not null,
    completed_at    text,
    notice          text,
    notified_at     text,
    delivered_at    text,
    unique (source, number)
);
create index signal_submitted_at on signal (submitted_at, id);
create index signal_by_source on signal (source, submitted_at, id);
create index signal_by_status on signal (status, submitted_at, id);
create index signal_open on signal (deadline_at) where completed_at is null;
-- What a processor found; a second answer of the same processor violates the key.
create table signal_result (
    signal_id   blob    not null references signal (id),
    processor   text    not null,
    finding     text    not null,
    is_late     boolean not null,
    recorded_at text    not null,
    primary key (signal_id, processor)
);
-- The running statistics of a source after the signal of this number.
create table signal_statistics (
    source text    not null,
    number integer not null,
    mean   real    not null,
    m2     real    not null,
    primary key (source, number)
);
