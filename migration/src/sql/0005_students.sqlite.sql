-- Lower-casing is done by the application: SQLite itself folds ASCII only.
create table student (
    id             blob primary key,
    name           text not null,
    email          text not null,
    email_key      text not null,
    student_number text,
    number_key     text,
    course         text not null,
    course_key     text not null,
    year           integer not null,
    status         text not null,
    search_text    text not null,
    version        integer not null,
    created_at     text not null,
    updated_at     text not null,
    deleted_at     text
);
-- Addresses and numbers are free again once their student is deleted.
create unique index student_email on student (email_key) where deleted_at is null;
create unique index student_number on student (number_key) where deleted_at is null;
create index student_created_at on student (created_at, id);
create index student_updated_at on student (updated_at, id);
create index student_name on student (name, id);
create index student_course on student (course_key, id);
create index student_year on student (year, id);
