-- Users by their usernames, for look-ups and for lists in that order; those without one come first. The last is for references.
create index app_user_username on app_user (username) where username is not null;
create index app_user_by_username on app_user (coalesce(username, ''), id);
create index app_user_avatar on app_user (avatar) where avatar is not null;
