-- On which device a session began, and when it was last used. Versions before this one write sessions without it.
create table session_device (
    session_id blob not null primary key references session on delete cascade,
    user_agent text,
    used_at    text not null
);

-- Tokens that were sent by mail, as SHA-256. One that was used is removed.
create table email_token (
    hash       blob not null primary key,
    user_id    blob not null references app_user,
    purpose    text not null,
    created_at text not null,
    expires_at text not null
);
create index email_token_user on email_token (user_id, purpose);
create index email_token_expires_at on email_token (expires_at);

-- Users who have shown that their address is theirs.
create table verified_email (
    user_id     blob not null primary key references app_user,
    verified_at text not null
);
