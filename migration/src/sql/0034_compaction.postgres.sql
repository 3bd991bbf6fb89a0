-- How far the log is compacted, by kind of stream: of streams whose end is not behind the position only the end is left, and so many
-- events were removed for that.
create table compaction (
    stream   text   primary key,
    position bigint not null,
    removed  bigint not null
);
