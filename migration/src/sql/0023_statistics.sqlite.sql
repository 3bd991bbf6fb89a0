-- Counts by status, role or kind, and by day, as those of customers: a row a part, so that followers of different parts never wait
-- for each other; queries add them up.
create table user_status_count (
    part   integer not null,
    status text not null,
    count  integer not null,
    primary key (part, status)
);
create table user_day_count (
    part     integer not null,
    day      text not null,
    created  integer not null default 0,
    deleted  integer not null default 0,
    restored integer not null default 0,
    primary key (part, day)
);
create table chat_status_count (
    part   integer not null,
    status text not null,
    count  integer not null,
    primary key (part, status)
);
create table chat_day_count (
    part     integer not null,
    day      text not null,
    created  integer not null default 0,
    deleted  integer not null default 0,
    restored integer not null default 0,
    primary key (part, day)
);
create table post_status_count (
    part   integer not null,
    status text not null,
    count  integer not null,
    primary key (part, status)
);
create table post_day_count (
    part     integer not null,
    day      text not null,
    created  integer not null default 0,
    deleted  integer not null default 0,
    restored integer not null default 0,
    primary key (part, day)
);
create table student_status_count (
    part   integer not null,
    status text not null,
    count  integer not null,
    primary key (part, status)
);
create table student_day_count (
    part     integer not null,
    day      text not null,
    created  integer not null default 0,
    deleted  integer not null default 0,
    restored integer not null default 0,
    primary key (part, day)
);
create table signal_status_count (
    part   integer not null,
    status text not null,
    count  integer not null,
    primary key (part, status)
);
create table signal_day_count (
    part     integer not null,
    day      text not null,
    created  integer not null default 0,
    deleted  integer not null default 0,
    restored integer not null default 0,
    primary key (part, day)
);
