-- Messages up to `joined_number` were there before the member was; null for members of before, who have only a time. What was read was
-- received, too: an earlier version moves `last_read_number` alone.
alter table chat_member add column joined_number bigint;
alter table chat_member add column last_delivered_number bigint not null default 0;

-- A mark that moved: at `at` the member had received or seen the messages after `after_number` up to `number`. It refers to the member
-- alone, whose row is locked already: who reads does not wait for who writes in the chat.
create table chat_mark (
    chat_id      uuid        not null,
    user_id      uuid        not null,
    kind         text        not null,
    number       bigint      not null,
    after_number bigint      not null,
    at           timestamptz not null,
    primary key (chat_id, user_id, kind, number),
    foreign key (chat_id, user_id) references chat_member on delete cascade
);

-- The versions of the streams `receipts`, one a user who sent messages.
create table chat_receipts (
    user_id uuid   primary key references app_user,
    version bigint not null
);
