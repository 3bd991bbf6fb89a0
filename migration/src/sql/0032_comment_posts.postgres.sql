-- Which post a comment is on. Only the addition of a comment has an entry.
create index event_comment on event ((data ->> 'commentId')) where type = 'PostCommentAdded';
