-- What a handler is to do about an event: one row, which is its inbox. `state` is waiting, running, done, dead (there is a
-- dead letter) or discarded. Whoever runs it has a lease; the token grows with every claim, and fences off those before.
create table delivery (
    handler      text    not null,
    position     integer not null,
    part         integer not null,
    stream       text    not null,
    stream_id    blob    not null,
    type         text    not null,
    state        text    not null default 'waiting',
    attempts     integer not null default 0,
    due_at       real    not null,
    owner        text,
    token        integer not null default 0,
    leased_until real,
    first_at     real,
    last_at      real,
    error        text,
    primary key (handler, position)
);
create index delivery_due on delivery (handler, due_at, position) where state = 'waiting';
create index delivery_running on delivery (handler, leased_until) where state = 'running';
create index delivery_ended on delivery (last_at) where state in ('done', 'discarded');
create index delivery_dead on delivery (position) where state = 'dead';

-- What was given up: by a handler, or by a follower, whose later events of the same stream are parked behind it. `kind` is
-- handler or follower; rebuild for what the rebuild of a read model has set aside so far.
create table dead_letter (
    id          blob    primary key,
    consumer    text    not null,
    kind        text    not null,
    position    integer not null,
    part        integer not null,
    stream      text    not null,
    stream_id   blob    not null,
    version     integer not null,
    type        text    not null,
    event_id    blob    not null,
    error       text,
    fingerprint text,
    attempts    integer not null default 0,
    first_at    real    not null,
    last_at     real    not null,
    parked      boolean not null,
    unique (consumer, position)
);
create index dead_letter_stream on dead_letter (consumer, stream_id, position);
create index dead_letter_fingerprint on dead_letter (fingerprint);

-- The circuit breakers of all processes, as each has told last.
create table worker_breaker (
    dependency text    not null,
    owner      text    not null,
    state      text    not null,
    since      real    not null,
    failures   integer not null,
    error      text,
    seen_at    real    not null,
    primary key (dependency, owner)
);

-- The followers and handlers that an operator holds.
create table worker_pause (
    name      text    primary key,
    paused_at real    not null,
    actor     text    not null
);
