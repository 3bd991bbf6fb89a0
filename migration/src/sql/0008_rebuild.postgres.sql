-- Rebuilds of read models, the one at work or the last one of each: who does it (as with checkpoints, the token grows with
-- every change of owner), and how far it has come. `position` and `parts` are what the tables beside the live ones have
-- when the phase is no longer `building`; in it, (stream_id, version) is the last event of those that are built.
create table rebuild (
    follower     text        primary key,
    owner        text,
    token        bigint      not null default 0,
    leased_until timestamptz not null default '-infinity',
    requested    boolean     not null default false,
    phase        text        not null default 'done',
    position     bigint      not null default 0,
    parts        text        not null default '[]',
    stream_id    uuid,
    version      bigint      not null default 0,
    done         bigint      not null default 0,
    total        bigint      not null default 0,
    started_at   timestamptz,
    finished_at  timestamptz,
    report       text
) with (fillfactor = 50);
