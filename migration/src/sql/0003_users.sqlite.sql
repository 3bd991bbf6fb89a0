create table app_user (
    id             blob    primary key,
    email          text    not null,
    email_key      text    not null,
    name           text    not null,
    search_text    text    not null,
    bio            text,
    role           text    not null,
    availability   text    not null,
    version        integer not null,
    created_at     text    not null,
    updated_at     text    not null,
    deactivated_at text
);
create unique index app_user_email on app_user (email_key);
create index app_user_created_at on app_user (created_at, id);
create index app_user_name on app_user (name, id);

-- A table of its own, so that reading a user never reads this. An argon2id hash in PHC form.
create table user_password (
    user_id blob primary key references app_user,
    hash    text not null
);

-- A session is a family of refresh tokens, each exchanged once for the next.
create table session (
    id         blob    primary key,
    user_id    blob    not null references app_user,
    version    integer not null,
    created_at text    not null,
    expires_at text    not null,
    revoked_at text
);
create index session_user_id on session (user_id);
create index session_expires_at on session (expires_at);

-- Tokens are kept as SHA-256: who reads this table cannot sign in. Used ones are kept to recognize a reuse.
create table refresh_token (
    hash       blob primary key,
    session_id blob not null references session on delete cascade,
    used_at    text
);
create index refresh_token_session on refresh_token (session_id);

-- Who is connected to which gateway; a gateway that does not renew in time is gone, by the database's clock.
create table presence_gateway (
    id          blob primary key,
    alive_until real not null
);
create table presence_socket (
    gateway_id blob not null,
    user_id    blob not null references app_user,
    primary key (gateway_id, user_id)
);
create index presence_socket_user on presence_socket (user_id);
create table user_presence (
    user_id   blob    primary key references app_user,
    is_online boolean not null,
    seen_at   text    not null,
    version   integer not null
);
