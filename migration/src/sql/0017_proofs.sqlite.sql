-- `proven_event` is the id of the event at the position `proven`, which was the last one to be pruned. Cursors without a proof,
-- which programs gave out before this, are good up to `unproven_until`.
alter table log_head add column proven integer not null default 0;
alter table log_head add column proven_event blob;
alter table log_head add column unproven_until integer not null default 0;
update log_head
set unproven_until = max(pruned, coalesce((select seq from sqlite_sequence where name = 'event'), 0));
