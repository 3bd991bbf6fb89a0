-- Posts as `millrace seed` makes them: the same texts, each with ten comments, by a thousand users.
create table member (
    id   uuid primary key default gen_random_uuid(),
    number int not null unique,
    name text not null
);
insert into member (number, name) select n, 'Member ' || n from generate_series(0, 999) n;

create function sentence(seed bigint, words int) returns text language sql immutable as $$
    select string_agg((array['water', 'wheel', 'stone', 'grain', 'flour', 'river', 'stream', 'mill', 'race', 'sluice', 'gate',
        'turns', 'grinds', 'flows', 'carries', 'waits', 'slowly', 'evenly', 'again', 'always', 'under', 'over', 'beside', 'the'
        ])[1 + (seed * 31 + place * place * 7 + place) % 24], ' ' order by place)
    from generate_series(0, words - 1) place
$$;

create table post (
    id         uuid        primary key default gen_random_uuid(),
    number     int         not null,
    author_id  uuid        not null references member,
    message    text        not null,
    created_at timestamptz not null
);
insert into post (number, author_id, message, created_at)
select n, member.id, sentence(n, 8 + n % 24), now() + n * interval '1 millisecond'
from generate_series(0, :posts - 1) n join member on member.number = n % 1000;
create index post_newest on post (created_at, id);

create table comment (
    id        uuid not null default gen_random_uuid(),
    post_id   uuid not null references post,
    number    int  not null,
    author_id uuid not null references member,
    text      text not null,
    primary key (post_id, number)
);
insert into comment (post_id, number, author_id, text)
select post.id, place + 1, member.id, sentence(post.number * 7 + place, 3 + (post.number + place) % 9)
from post cross join generate_series(0, 9) place
join member on member.number = (post.number * 31 + place * 7 + 1) % 1000;
vacuum analyze member, post, comment;
