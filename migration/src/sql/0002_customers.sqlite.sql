-- Lower-casing is done by the application: SQLite itself folds ASCII only.
create table customer (
    id          blob        primary key,
    name        text not null,
    email       text not null,
    email_key   text not null,
    search_text text not null,
    phone       text,
    status      text not null,
    version     integer not null,
    created_at  text not null,
    updated_at  text not null,
    deleted_at  text
);
-- An address is free again once its customer is deleted.
create unique index customer_email on customer (email_key) where deleted_at is null;
create index customer_created_at on customer (created_at, id);
create index customer_updated_at on customer (updated_at, id);
create index customer_name on customer (name, id);

-- A row a part, so that followers of different parts never wait for each other; queries add them up.
create table customer_status_count (
    part   integer not null,
    status text not null,
    count  integer not null,
    primary key (part, status)
);
create table customer_day_count (
    part    integer not null,
    day     text not null,
    created integer not null default 0,
    deleted integer not null default 0,
    restored integer not null default 0,
    primary key (part, day)
);

create table idempotency (
    scope       text not null,
    key         text not null,
    fingerprint blob not null,
    answer      text,
    created_at  text not null,
    primary key (scope, key)
);
create index idempotency_created_at on idempotency (created_at);
