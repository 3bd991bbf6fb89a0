-- The names that users chose to be found by, and their pictures. What makes them unique is here, and what is shown of them in the user's row.
-- A version before this one erases a user without knowing either. But it deletes the password, as every version does, and these rows hang on
-- that: they go with it, and the columns of the user become null.
create table username (
    user_id uuid primary key references user_password on delete cascade,
    name    text not null collate "C",
    constraint username_name unique (name)
);
create table avatar (
    user_id    uuid  primary key references user_password on delete cascade,
    hash       text  not null collate "C",
    media_type text  not null,
    picture    bytea not null,
    constraint avatar_hash unique (hash)
);
alter table app_user add column username text collate "C" references username (name) on update cascade on delete set null;
alter table app_user add column avatar text collate "C" references avatar (hash) on update cascade on delete set null;
