-- Written only by the follower `posts`, from events. No row refers to another table by a foreign key: a model that is built
-- anew beside this one takes its place by renaming. Deleted posts and removed comments have no rows.
create table post (
    id            uuid        primary key,
    author_id     uuid        not null,
    message       text        collate "C" not null,
    search_text   text        collate "C" not null,
    like_count    bigint      not null,
    comment_count bigint      not null,
    version       bigint      not null,
    created_at    timestamptz not null,
    updated_at    timestamptz not null
);
create index post_newest on post (created_at, id);
create index post_most_liked on post (like_count, id);
create index post_author on post (author_id, created_at, id);

create table post_comment (
    post_id    uuid        not null,
    number     bigint      not null,
    id         uuid        not null,
    author_id  uuid        not null,
    text       text        collate "C" not null,
    created_at timestamptz not null,
    edited_at  timestamptz,
    primary key (post_id, number)
);

create table post_like (
    post_id  uuid        not null,
    user_id  uuid        not null,
    liked_at timestamptz not null,
    primary key (post_id, user_id)
);
