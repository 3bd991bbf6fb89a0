-- How many sockets a user has at a gateway, since when they have had any there, and what gateways are called. Versions before this one
-- write rows without it: these count as one socket that was opened when the row was written, at a gateway without a name.
-- A column whose default is a time cannot be added to a table that has rows, so another takes its place. It is small: it has a row for
-- each user who is connected.
create table presence_socket_now (
    gateway_id blob    not null,
    user_id    blob    not null references app_user,
    sockets    integer not null default 1,
    since      real    not null default (unixepoch('subsec')),
    primary key (gateway_id, user_id)
);
insert into presence_socket_now (gateway_id, user_id) select gateway_id, user_id from presence_socket;
drop table presence_socket;
alter table presence_socket_now rename to presence_socket;
create index presence_socket_user on presence_socket (user_id);
alter table presence_gateway add column name text not null default '';
