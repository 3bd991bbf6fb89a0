-- On which device a session began, and when it was last used. Versions before this one write sessions without it.
create table session_device (
    session_id uuid        primary key references session on delete cascade,
    user_agent text,
    used_at    timestamptz not null
);

-- Tokens that were sent by mail, as SHA-256. One that was used is removed.
create table email_token (
    hash       bytea       primary key,
    user_id    uuid        not null references app_user,
    purpose    text        not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index email_token_user on email_token (user_id, purpose);
create index email_token_expires_at on email_token (expires_at);

-- Users who have shown that their address is theirs.
create table verified_email (
    user_id     uuid        primary key references app_user,
    verified_at timestamptz not null
);
