-- The columns that end in `_key`, and `search_text`, are lower-cased by the application, so that case-insensitive means
-- the same on both databases. Text sorts by code point ("C").
create table student (
    id             uuid        primary key,
    name           text        not null collate "C",
    email          text        not null collate "C",
    email_key      text        not null collate "C",
    student_number text        collate "C",
    number_key     text        collate "C",
    course         text        not null collate "C",
    course_key     text        not null collate "C",
    year           integer     not null,
    status         text        not null,
    search_text    text        not null collate "C",
    version        bigint      not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    deleted_at     timestamptz
);
-- Addresses and numbers are free again once their student is deleted.
create unique index student_email on student (email_key) where deleted_at is null;
create unique index student_number on student (number_key) where deleted_at is null;
create index student_created_at on student (created_at, id);
create index student_updated_at on student (updated_at, id);
create index student_name on student (name, id);
create index student_course on student (course_key, id);
create index student_year on student (year, id);
