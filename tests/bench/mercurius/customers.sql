-- The peer's table, with as many customers as the gateway has.
create table customer (
    id         uuid        primary key default gen_random_uuid(),
    name       text        not null,
    email      text        not null unique,
    status     text        not null default 'ACTIVE',
    created_at timestamptz not null default now()
);
insert into customer (name, email)
select 'Customer ' || n, 'customer' || n || '@example.com' from generate_series(1, :customers) n;
vacuum analyze customer;
