-- A file has nothing that tells it from a copy of itself.
select 1;
