-- The given names and the family name of students, beside the whole name, and what lists are sorted by. What is stored without them,
-- or with another whole name, by a version before this one, is split at the last space of the name, as the program does it: see
-- `entities/src/students/names.rs`. Rows that were there before are split a few at a time: see `entities/src/rekeying.rs`.
alter table student add column given_name text;
alter table student add column family_name text;
alter table student add column family_key text not null default '';

-- What is left of a name when all characters but spaces are taken from its end has the given names, and the spaces behind them.
create trigger student_name_update after update of name on student
when new.name is not coalesce(new.given_name || ' ' || new.family_name, new.given_name, new.family_name) begin
    update student
    set (given_name, family_name, family_key) = (
        select case when given = '' then name else given end,
               case when given = '' then null else family end,
               case when given = '' then name else family || char(10) || given end
        from (select new.name as name, rtrim(start, ' ') as given, substr(new.name, length(start) + 1) as family
              from (select rtrim(new.name, replace(new.name, ' ', '')) as start))
    )
    where id = new.id;
end;
-- A new row is split by the trigger above, too.
create trigger student_name_insert after insert on student
when new.name is not coalesce(new.given_name || ' ' || new.family_name, new.given_name, new.family_name) begin
    update student set name = name where id = new.id;
end;

-- The postal address of customers, and what of it is compared in filters. Versions before this one keep it as it is.
alter table customer add column address text;
alter table customer add column city_key text;
alter table customer add column region_key text;
alter table customer add column postal_code_key text;
alter table customer add column country text;
