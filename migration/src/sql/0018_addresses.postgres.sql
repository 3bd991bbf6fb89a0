-- What an address is compared by, where that is not its lower case: of addresses that were stored before all were brought into
-- one form (ASCII, by UTS 46). The program fills it in for them; see `entities/src/rekeying.rs`.
alter table customer add column address_key text collate "C";
alter table app_user add column address_key text collate "C";
alter table student add column address_key text collate "C";
-- Searching is faster with it, and finds the same without it. Whoever may not create extensions lets somebody create it who may;
-- the next `millrace migrate` makes the indexes.
do $$
begin
    create extension if not exists pg_trgm;
exception when insufficient_privilege or undefined_file or feature_not_supported then
    raise notice 'searching goes without an index: %', sqlerrm;
end
$$;
