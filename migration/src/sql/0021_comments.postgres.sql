-- Comments are looked up by their ids, too.
create index post_comment_id on post_comment (id);
