-- SQLite uses what is free at once.
select 1;
