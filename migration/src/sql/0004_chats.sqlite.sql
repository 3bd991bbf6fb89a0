-- `pair_key` is the two users of a direct chat, sorted: there is one chat a pair. `last_number` is how many messages were
-- ever sent; `last_activity_at` is when the last one was, or the chat created.
create table chat (
    id               blob    primary key,
    kind             text    not null,
    title            text,
    pair_key         text    unique,
    member_count     integer not null,
    last_number      integer not null,
    version          integer not null,
    created_at       text    not null,
    last_activity_at text    not null
);

-- All messages up to `last_read_number` are read, and none after it is the member's own: who sends has read.
create table chat_member (
    chat_id          blob    not null references chat,
    user_id          blob    not null references app_user,
    role             text    not null,
    joined_at        text    not null,
    last_read_number integer not null,
    primary key (chat_id, user_id)
);
create index chat_member_user on chat_member (user_id);

-- The text of a deleted message is gone from here; the row keeps its number.
create table chat_message (
    id         blob    primary key,
    chat_id    blob    not null references chat,
    number     integer not null,
    author_id  blob    not null references app_user,
    text       text,
    created_at text    not null,
    edited_at  text,
    deleted_at text,
    unique (chat_id, number)
);
-- Unread counts subtract these.
create index chat_message_deleted on chat_message (chat_id, number) where deleted_at is not null;

-- The versions of the streams `inbox`, one a user.
create table chat_inbox (
    user_id blob    primary key references app_user,
    version integer not null
);
