-- Text columns sort by code point ("C"), as they do in SQLite. `email_key` and `search_text` are lower-cased by the
-- application, so that case-insensitive means the same on both databases.
create table customer (
    id          uuid        primary key,
    name        text        not null collate "C",
    email       text        not null collate "C",
    email_key   text        not null collate "C",
    search_text text        not null collate "C",
    phone       text,
    status      text        not null,
    version     bigint      not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    deleted_at  timestamptz
);
-- An address is free again once its customer is deleted.
create unique index customer_email on customer (email_key) where deleted_at is null;
create index customer_created_at on customer (created_at, id);
create index customer_updated_at on customer (updated_at, id);
create index customer_name on customer (name, id);

-- A row a part, so that followers of different parts never wait for each other; queries add them up.
create table customer_status_count (
    part   smallint not null,
    status text     not null,
    count  bigint   not null,
    primary key (part, status)
);
create table customer_day_count (
    part    smallint not null,
    day     date     not null,
    created bigint   not null default 0,
    deleted bigint   not null default 0,
    restored bigint   not null default 0,
    primary key (part, day)
);

create table idempotency (
    scope       text        not null,
    key         text        not null,
    fingerprint bytea       not null,
    answer      json,
    created_at  timestamptz not null,
    primary key (scope, key)
);
create index idempotency_created_at on idempotency (created_at);
