-- The oldest version of the programs that may run on this schema, by the newest migration that it knows. A migration that
-- takes away what older versions need raises it (see the head of `migration/src/lib.rs`).
create table schema_compatibility (
    singleton boolean primary key default true check (singleton),
    lowest    integer not null
);
insert into schema_compatibility (lowest) values (16);

-- Of each session the refresh token that was exchanged last, so that who asks twice gets the same successor for some seconds.
-- The successor is made of the salt and of the token itself, which is stored nowhere: neither of them is of use alone.
create table refresh_repeat (
    session_id   uuid        primary key references session on delete cascade,
    hash         bytea       not null,
    salt         bytea       not null,
    issued_at    bigint      not null,
    exchanged_at timestamptz not null
);
create index refresh_repeat_exchanged_at on refresh_repeat (exchanged_at);
