-- Parts that a process left behind when it ended without giving them back, though there was something to apply: how often in
-- a row at the same checkpoint, and the event that was being applied by itself. It says nothing of any other checkpoint.
create table follower_attempt (
    follower text     not null,
    part     smallint not null,
    position bigint   not null,
    deaths   integer  not null,
    suspect  bigint,
    first_at timestamptz not null default statement_timestamp(),
    primary key (follower, part)
);
