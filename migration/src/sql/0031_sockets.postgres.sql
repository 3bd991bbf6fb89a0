-- How many sockets a user has at a gateway, since when they have had any there, and what gateways are called. Versions before this one
-- write rows without it: these count as one socket that was opened when the row was written, at a gateway without a name.
alter table presence_socket add column sockets integer not null default 1;
alter table presence_socket add column since timestamptz not null default statement_timestamp();
alter table presence_gateway add column name text not null default '';
