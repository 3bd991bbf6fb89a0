-- Text columns sort by code point ("C"), as they do in SQLite. `code_key` and `search_text` are folded by the application.
create table specimens (
    id          uuid        primary key,
    code        text        not null collate "C",
    code_key    text        not null collate "C",
    name        text        not null collate "C",
    status      text        not null,
    search_text text        not null collate "C",
    version     bigint      not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    deleted_at  timestamptz
);
-- A code is free again once its specimen is deleted.
create unique index specimens_code on specimens (code_key) where deleted_at is null;
create index specimens_created_at on specimens (created_at, id);
create index specimens_updated_at on specimens (updated_at, id);
create index specimens_name on specimens (name, id);
create index specimens_status on specimens (status, created_at, id);
