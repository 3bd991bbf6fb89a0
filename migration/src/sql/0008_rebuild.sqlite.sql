-- Rebuilds of read models, the one at work or the last one of each: who does it (as with checkpoints, the token grows with
-- every change of owner), and how far it has come. `position` and `parts` are what the tables beside the live ones have
-- when the phase is no longer `building`; in it, (stream_id, version) is the last event of those that are built.
create table rebuild (
    follower     text    primary key,
    owner        text,
    token        integer not null default 0,
    leased_until real    not null default 0,
    requested    boolean not null default false,
    phase        text    not null default 'done',
    position     integer not null default 0,
    parts        text    not null default '[]',
    stream_id    blob,
    version      integer not null default 0,
    done         integer not null default 0,
    total        integer not null default 0,
    started_at   text,
    finished_at  text,
    report       text
);
