-- Written only by the follower `posts_trending`, from events. `span` is the window (1 an hour, 2 a day, 3 a week); a `step` is
-- a number of minutes, half hours or four hours since 1970. What no window reaches any more is dropped as events come.

-- How far the events of a part have come, in seconds since 1970: what is too old is told by it, never by a clock.
create table post_trend_clock (
    part     integer primary key,
    latest_s integer not null
);

-- Each like (kind 1, by its user) and comment (kind 2, by its id) of the last week, to know when it was if it is taken back.
create table post_trend_source (
    post_id blob    not null,
    kind    integer not null,
    subject blob    not null,
    part    integer not null,
    at_s    integer not null,
    primary key (post_id, kind, subject)
) without rowid;
create index post_trend_source_age on post_trend_source (part, at_s);

-- The same, counted by steps.
create table post_trend_count (
    span     integer not null,
    post_id  blob    not null,
    step     integer not null,
    part     integer not null,
    likes    integer not null,
    comments integer not null,
    primary key (span, post_id, step)
) without rowid;
create index post_trend_count_age on post_trend_count (part, span, step);

-- The order that the counts give; it does not change as time passes.
create table post_trend (
    span        integer not null,
    post_id     blob    not null,
    newest_step integer not null,
    rank        real    not null,
    primary key (span, post_id)
) without rowid;
create index post_trend_rank on post_trend (span, rank, post_id, newest_step);
