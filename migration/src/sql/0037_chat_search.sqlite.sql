-- The title as it is searched. Null for a direct chat, and for a group that an earlier version created; that one is searched by its title.
alter table chat add column search_text text;
