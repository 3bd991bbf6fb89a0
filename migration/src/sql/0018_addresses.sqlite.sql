-- What an address is compared by, where that is not its lower case: of addresses that were stored before all were brought into
-- one form (ASCII, by UTS 46). The program fills it in for them; see `entities/src/rekeying.rs`.
alter table customer add column address_key text;
alter table app_user add column address_key text;
alter table student add column address_key text;

-- What is in `search_text`, by sequences of three characters: which rows have all those of what is looked for. Whether they
-- have it in one piece is looked up in the row. A row has a number here that stays the same when the file is vacuumed. What is removed
-- is gone at once, as from all of the file.
create table customer_search_row (
    number integer primary key,
    id     blob    not null unique
);
create virtual table customer_search using fts5 (
    text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
);
insert into customer_search (customer_search, rank) values ('secure-delete', 1);
insert into customer_search_row (id) select id from customer;
insert into customer_search (rowid, text)
    select r.number, t.search_text from customer t join customer_search_row r on r.id = t.id;
create trigger customer_search_insert after insert on customer begin
    insert into customer_search_row (id) values (new.id);
    insert into customer_search (rowid, text)
        select number, new.search_text from customer_search_row where id = new.id;
end;
create trigger customer_search_update after update of search_text on customer
when old.search_text is not new.search_text begin
    insert into customer_search (customer_search, rowid, text)
        select 'delete', number, old.search_text from customer_search_row where id = old.id;
    insert into customer_search (rowid, text)
        select number, new.search_text from customer_search_row where id = old.id;
end;
create trigger customer_search_delete after delete on customer begin
    insert into customer_search (customer_search, rowid, text)
        select 'delete', number, old.search_text from customer_search_row where id = old.id;
    delete from customer_search_row where id = old.id;
end;
create table app_user_search_row (
    number integer primary key,
    id     blob    not null unique
);
create virtual table app_user_search using fts5 (
    text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
);
insert into app_user_search (app_user_search, rank) values ('secure-delete', 1);
insert into app_user_search_row (id) select id from app_user;
insert into app_user_search (rowid, text)
    select r.number, t.search_text from app_user t join app_user_search_row r on r.id = t.id;
create trigger app_user_search_insert after insert on app_user begin
    insert into app_user_search_row (id) values (new.id);
    insert into app_user_search (rowid, text)
        select number, new.search_text from app_user_search_row where id = new.id;
end;
create trigger app_user_search_update after update of search_text on app_user
when old.search_text is not new.search_text begin
    insert into app_user_search (app_user_search, rowid, text)
        select 'delete', number, old.search_text from app_user_search_row where id = old.id;
    insert into app_user_search (rowid, text)
        select number, new.search_text from app_user_search_row where id = old.id;
end;
create trigger app_user_search_delete after delete on app_user begin
    insert into app_user_search (app_user_search, rowid, text)
        select 'delete', number, old.search_text from app_user_search_row where id = old.id;
    delete from app_user_search_row where id = old.id;
end;
create table student_search_row (
    number integer primary key,
    id     blob    not null unique
);
create virtual table student_search using fts5 (
    text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
);
insert into student_search (student_search, rank) values ('secure-delete', 1);
insert into student_search_row (id) select id from student;
insert into student_search (rowid, text)
    select r.number, t.search_text from student t join student_search_row r on r.id = t.id;
create trigger student_search_insert after insert on student begin
    insert into student_search_row (id) values (new.id);
    insert into student_search (rowid, text)
        select number, new.search_text from student_search_row where id = new.id;
end;
create trigger student_search_update after update of search_text on student
when old.search_text is not new.search_text begin
    insert into student_search (student_search, rowid, text)
        select 'delete', number, old.search_text from student_search_row where id = old.id;
    insert into student_search (rowid, text)
        select number, new.search_text from student_search_row where id = old.id;
end;
create trigger student_search_delete after delete on student begin
    insert into student_search (student_search, rowid, text)
        select 'delete', number, old.search_text from student_search_row where id = old.id;
    delete from student_search_row where id = old.id;
end;
create table post_search_row (
    number integer primary key,
    id     blob    not null unique
);
create virtual table post_search using fts5 (
    text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
);
insert into post_search (post_search, rank) values ('secure-delete', 1);
insert into post_search_row (id) select id from post;
insert into post_search (rowid, text)
    select r.number, t.search_text from post t join post_search_row r on r.id = t.id;
create trigger post_search_insert after insert on post begin
    insert into post_search_row (id) values (new.id);
    insert into post_search (rowid, text)
        select number, new.search_text from post_search_row where id = new.id;
end;
create trigger post_search_update after update of search_text on post
when old.search_text is not new.search_text begin
    insert into post_search (post_search, rowid, text)
        select 'delete', number, old.search_text from post_search_row where id = old.id;
    insert into post_search (rowid, text)
        select number, new.search_text from post_search_row where id = old.id;
end;
create trigger post_search_delete after delete on post begin
    insert into post_search (post_search, rowid, text)
        select 'delete', number, old.search_text from post_search_row where id = old.id;
    delete from post_search_row where id = old.id;
end;
