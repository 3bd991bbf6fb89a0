-- SQLite has one writer and its autoincrement rolls back with the transaction, so `inserted` is dense and is the
-- position itself: the view below is all the sequencing there is.
create table event (
    inserted       integer primary key autoincrement,
    event_id       blob    not null,
    part           integer not null check (part between 0 and 15),
    stream         text    not null,
    stream_id      blob    not null,
    version        integer not null check (version > 0),
    type           text    not null,
    schema_version integer not null,
    data           text    not null,
    meta           text    not null,
    occurred_at    text    not null,
    previous       integer not null,
    unique (stream_id, version, stream)
);
create index event_part on event (part, inserted);

create view event_position as select inserted as position, inserted, previous from event;

create table log_head (
    singleton integer primary key default 1 check (singleton = 1),
    epoch     integer not null,
    pruned    integer not null default 0
);
insert into log_head (epoch) values (abs(random()) % 4294967295);

create table checkpoint (
    follower     text    not null,
    part         integer not null,
    position     integer not null default 0,
    owner        text,
    token        integer not null default 0,
    leased_until real    not null default 0,
    primary key (follower, part)
);

create table follower_member (
    follower text not null,
    owner    text not null,
    seen_at  real not null,
    primary key (follower, owner)
);
