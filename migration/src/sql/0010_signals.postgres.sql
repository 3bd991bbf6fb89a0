-- The row of a source is locked while a signal of it is submitted, so the numbers of a source have no gaps, and who sees a
-- number sees all below it.
create table signal_source (
    source      text   primary key collate "C",
    last_number bigint not null
);
create table signal (
    id              uuid             primary key,
    source          text             not null collate "C",
    number          bigint           not null,
    value           double precision not null,
    status          text             not null,
    missing         text             not null,
    version         bigint           not null,
    submitted_by    text             not null,
    submitted_at    timestamptz      not null,
    deadline_at     timestamptz      not null,
    completed_at    timestamptz,
    notice          text,
    notified_at     timestamptz,
    delivered_at    timestamptz,
    unique (source, number)
);
create index signal_submitted_at on signal (submitted_at, id);
create index signal_by_source on signal (source, submitted_at, id);
create index signal_by_status on signal (status, submitted_at, id);
create index signal_open on signal (deadline_at) where completed_at is null;
-- What a processor found; a second answer of the same processor violates the key.
create table signal_result (
    signal_id   uuid        not null references signal (id),
    processor   text        not null,
    finding     text        not null,
    is_late     boolean     not null,
    recorded_at timestamptz not null,
    primary key (signal_id, processor)
);
-- The running statistics of a source after the signal of this number.
create table signal_statistics (
    source text             not null collate "C",
    number bigint           not null,
    mean   double precision not null,
    m2     double precision not null,
    primary key (source, number)
);
