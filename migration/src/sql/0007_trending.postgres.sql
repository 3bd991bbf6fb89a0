-- Written only by the follower `posts_trending`, from events. `span` is the window (1 an hour, 2 a day, 3 a week); a `step` is
-- a number of minutes, half hours or four hours since 1970. What no window reaches any more is dropped as events come.

-- How far the events of a part have come, in seconds since 1970: what is too old is told by it, never by a clock.
create table post_trend_clock (
    part     smallint primary key,
    latest_s bigint   not null
);

-- Each like (kind 1, by its user) and comment (kind 2, by its id) of the last week, to know when it was if it is taken back.
create table post_trend_source (
    post_id uuid     not null,
    kind    smallint not null,
    subject uuid     not null,
    part    smallint not null,
    at_s    bigint   not null,
    primary key (post_id, kind, subject)
);
create index post_trend_source_age on post_trend_source (part, at_s);

-- The same, counted by steps.
create table post_trend_count (
    span     smallint not null,
    post_id  uuid     not null,
    step     bigint   not null,
    part     smallint not null,
    likes    bigint   not null,
    comments bigint   not null,
    primary key (span, post_id, step)
);
create index post_trend_count_age on post_trend_count (part, span, step);

-- The order that the counts give; it does not change as time passes.
create table post_trend (
    span        smallint         not null,
    post_id     uuid             not null,
    newest_step bigint           not null,
    rank        double precision not null,
    primary key (span, post_id)
);
create index post_trend_rank on post_trend (span, rank, post_id, newest_step);
