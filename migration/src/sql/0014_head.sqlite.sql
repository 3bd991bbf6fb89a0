-- The head is found by the event's key here, and has no versions: nothing to do.
select 1;
