-- `pair_key` is the two users of a direct chat, sorted: there is one chat a pair. `last_number` is how many messages were
-- ever sent; `last_activity_at` is when the last one was, or the chat created.
create table chat (
    id               uuid        primary key,
    kind             text        not null,
    title            text        collate "C",
    pair_key         text        collate "C" unique,
    member_count     integer     not null,
    last_number      bigint      not null,
    version          bigint      not null,
    created_at       timestamptz not null,
    last_activity_at timestamptz not null
);

-- All messages up to `last_read_number` are read, and none after it is the member's own: who sends has read.
create table chat_member (
    chat_id          uuid        not null references chat,
    user_id          uuid        not null references app_user,
    role             text        not null,
    joined_at        timestamptz not null,
    last_read_number bigint      not null,
    primary key (chat_id, user_id)
);
create index chat_member_user on chat_member (user_id);

-- The text of a deleted message is gone from here; the row keeps its number.
create table chat_message (
    id         uuid        primary key,
    chat_id    uuid        not null references chat,
    number     bigint      not null,
    author_id  uuid        not null references app_user,
    text       text        collate "C",
    created_at timestamptz not null,
    edited_at  timestamptz,
    deleted_at timestamptz,
    unique (chat_id, number)
);
-- Unread counts subtract these.
create index chat_message_deleted on chat_message (chat_id, number) where deleted_at is not null;

-- The versions of the streams `inbox`, one a user.
create table chat_inbox (
    user_id uuid   primary key references app_user,
    version bigint not null
);
