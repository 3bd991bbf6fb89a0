-- The given names and the family name of students, beside the whole name, and what lists are sorted by. What is stored without them,
-- or with another whole name, by a version before this one, is split at the last space of the name, as the program does it: see
-- `entities/src/students/names.rs`. Rows that were there before are split a few at a time: see `entities/src/rekeying.rs`.
alter table student add column given_name text collate "C";
alter table student add column family_name text collate "C";
alter table student add column family_key text collate "C" not null default '';

create function split_student_name() returns trigger language plpgsql as $$
begin
    if new.name ~ '[^ ] +[^ ]+$' then
        new.family_name := substring(new.name from '[^ ]+$');
        new.given_name := rtrim(left(new.name, -length(new.family_name)), ' ');
        new.family_key := new.family_name || chr(10) || new.given_name;
    else
        new.family_name := null;
        new.given_name := new.name;
        new.family_key := new.name;
    end if;
    return new;
end
$$;
create trigger student_name_written before insert or update of name on student for each row
when (new.name is distinct from concat_ws(' ', new.given_name, new.family_name))
execute function split_student_name();

-- The postal address of customers, and what of it is compared in filters. Versions before this one keep it as it is.
alter table customer add column address jsonb;
alter table customer add column city_key text collate "C";
alter table customer add column region_key text collate "C";
alter table customer add column postal_code_key text collate "C";
alter table customer add column country text collate "C";
