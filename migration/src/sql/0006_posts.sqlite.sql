-- Written only by the follower `posts`, from events. No row refers to another table by a foreign key: a model that is built
-- anew beside this one takes its place by renaming. Deleted posts and removed comments have no rows.
create table post (
    id            blob    primary key,
    author_id     blob    not null,
    message       text    not null,
    search_text   text    not null,
    like_count    integer not null,
    comment_count integer not null,
    version       integer not null,
    created_at    text    not null,
    updated_at    text    not null
);
create index post_newest on post (created_at, id);
create index post_most_liked on post (like_count, id);
create index post_author on post (author_id, created_at, id);

create table post_comment (
    post_id    blob    not null,
    number     integer not null,
    id         blob    not null,
    author_id  blob    not null,
    text       text    not null,
    created_at text    not null,
    edited_at  text,
    primary key (post_id, number)
) without rowid;

create table post_like (
    post_id  blob not null,
    user_id  blob not null,
    liked_at text not null,
    primary key (post_id, user_id)
) without rowid;
