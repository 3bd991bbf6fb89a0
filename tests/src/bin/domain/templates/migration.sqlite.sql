-- `code_key` and `search_text` are folded by the application: SQLite itself folds ASCII only.
create table specimens (
    id          blob    primary key,
    code        text    not null,
    code_key    text    not null,
    name        text    not null,
    status      text    not null,
    search_text text    not null,
    version     integer not null,
    created_at  text    not null,
    updated_at  text    not null,
    deleted_at  text
);
-- A code is free again once its specimen is deleted.
create unique index specimens_code on specimens (code_key) where deleted_at is null;
create index specimens_created_at on specimens (created_at, id);
create index specimens_updated_at on specimens (updated_at, id);
create index specimens_name on specimens (name, id);
create index specimens_status on specimens (status, created_at, id);

-- What is in `search_text`, by sequences of three characters: see `entities/src/searching.rs`.
create table specimens_search_row (
    number integer primary key,
    id     blob    not null unique
);
create virtual table specimens_search using fts5 (
    text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
);
insert into specimens_search (specimens_search, rank) values ('secure-delete', 1);
create trigger specimens_search_insert after insert on specimens begin
    insert into specimens_search_row (id) values (new.id);
    insert into specimens_search (rowid, text)
        select number, new.search_text from specimens_search_row where id = new.id;
end;
create trigger specimens_search_update after update of search_text on specimens
when old.search_text is not new.search_text begin
    insert into specimens_search (specimens_search, rowid, text)
        select 'delete', number, old.search_text from specimens_search_row where id = old.id;
    insert into specimens_search (rowid, text)
        select number, new.search_text from specimens_search_row where id = old.id;
end;
create trigger specimens_search_delete after delete on specimens begin
    insert into specimens_search (specimens_search, rowid, text)
        select 'delete', number, old.search_text from specimens_search_row where id = old.id;
    delete from specimens_search_row where id = old.id;
end;
