-- Users by their last change, and posts by the number of their comments.
create index app_user_by_update on app_user (updated_at, id);
create index post_most_commented on post (comment_count, id);
