-- For looking into the log: what somebody caused, what is of a kind and a type, and when.
create index event_actor on event (meta ->> 'actor');
create index event_type on event (stream, type);
create index event_occurred_at on event (occurred_at);
