-- For looking into the log: what somebody caused, what is of a kind and a type, and when. The first two have few different
-- values, which the index keeps once each with a list of rows; the third only grows at its end. `make bench` and
-- docs/architecture/operations.md say what they cost a write.
create index event_actor on event ((meta ->> 'actor'));
create index event_type on event (stream, type);
create index event_occurred_at on event (occurred_at);
