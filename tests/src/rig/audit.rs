//! Invariants of the database that hold at any moment, whatever is under way: each check counts violations, and all run in one
//! snapshot. Tables that commands write agree with the whole log; the tables of a follower agree with the log up to its
//! checkpoints, part by part.

mod handled;

use crate::traffic::wrong_post_rows;

/// Checks that the rows of a table are at the last versions of their streams, one row for each stream.
fn rows_are_at_versions(stream: &str, table: &str, id: &str) -> String {
    format!(
        "select count(*) as number from (select stream_id, max(version) as version from event \
         where stream = '{stream}' group by stream_id) e full join {table} t on t.{id} = e.stream_id \
         where e.version is distinct from t.version"
    )
}

/// Selects the events of a stream that a follower has applied.
fn applied(follower: &str, stream: &str) -> String {
    format!(
        "select e.stream_id, e.version, e.type, e.part, e.data, e.occurred_at, p.position from event e \
         join event_position p on p.inserted = e.inserted \
         join checkpoint k on k.follower = '{follower}' and k.part = e.part \
         where e.stream = '{stream}' and p.position <= k.position"
    )
}

pub fn checks() -> Vec<(&'static str, String)> {
    let mut checks = vec![
        (
            "positions are dense up to the head",
            "select count(*) as number from log_head h, \
             (select count(*) as events, coalesce(max(position), 0) as last from event_position) p \
             where p.events <> h.position or p.last <> h.position"
                .to_owned(),
        ),
        (
            "versions are dense in each stream",
            "select count(*) as number from (select 1 from event group by stream, stream_id \
             having min(version) <> 1 or max(version) <> count(*)) s"
                .to_owned(),
        ),
    ];
    let tables = [
        ("customers and their events", "customer", "customer", "id"),
        ("users and their events", "user", "app_user", "id"),
        ("chats and their events", "chat", "chat", "id"),
        ("students and their events", "student", "student", "id"),
        ("signals and their events", "signal", "signal", "id"),
        (
            "presences and their events",
            "presence",
            "user_presence",
            "user_id",
        ),
        ("inboxes and their events", "inbox", "chat_inbox", "user_id"),
        (
            "receipts and their events",
            "receipts",
            "chat_receipts",
            "user_id",
        ),
    ];
    let of_tables = |(name, stream, table, id)| (name, rows_are_at_versions(stream, table, id));
    checks.extend(tables.map(of_tables));
    checks.extend(of_chats());
    checks.extend(of_customer_statistics());
    let of_posts = wrong_post_rows();
    let names = [
        "posts and the fold of their events",
        "likes and the fold of their events",
        "comments and the fold of their events",
    ];
    checks.extend(names.into_iter().zip(of_posts));
    checks.push(("what trends and the fold of its events", of_trends()));
    checks.extend(handled::checks());
    checks
}

fn of_chats() -> [(&'static str, String); 2] {
    let messages = "select count(*) as number from chat c left join \
        (select chat_id, count(*) as rows, max(number) as last from chat_message group by chat_id) m \
        on m.chat_id = c.id left join \
        (select stream_id, count(*) as events from event where type = 'ChatMessageSent' group by stream_id) e \
        on e.stream_id = c.id \
        where coalesce(m.rows, 0) <> c.last_number or coalesce(m.last, 0) <> c.last_number \
        or coalesce(e.events, 0) <> c.last_number";
    let members = "select count(*) as number from chat c left join \
        (select chat_id, count(*) as rows, max(last_read_number) as last from chat_member group by chat_id) m \
        on m.chat_id = c.id \
        where coalesce(m.rows, 0) <> c.member_count or coalesce(m.last, 0) > c.last_number";
    [
        ("messages, their numbers and their events", messages.into()),
        ("members and what they have read", members.into()),
    ]
}

fn of_customer_statistics() -> [(&'static str, String); 2] {
    let applied = applied("customer_statistics", "customer");
    let by_status = format!(
        "with last as (select distinct on (stream_id) part, type, data->'customer'->>'status' as status \
         from ({applied}) a order by stream_id, version desc), \
         folded as (select part, status, count(*) as count from last where type <> 'CustomerDeleted' group by part, status) \
         select count(*) as number from folded f full join customer_status_count s using (part, status) \
         where coalesce(f.count, 0) <> coalesce(s.count, 0)"
    );
    let by_day = format!(
        "with folded as (select part, (occurred_at at time zone 'utc')::date as day, \
         count(*) filter (where type = 'CustomerCreated') as created, \
         count(*) filter (where type = 'CustomerDeleted') as deleted, \
         count(*) filter (where type = 'CustomerRestored') as restored from ({applied}) a group by 1, 2) \
         select count(*) as number from folded f full join customer_day_count c using (part, day) \
         where coalesce(f.created, 0) <> coalesce(c.created, 0) or coalesce(f.deleted, 0) <> coalesce(c.deleted, 0) \
         or coalesce(f.restored, 0) <> coalesce(c.restored, 0)"
    );
    [
        ("customers counted by status", by_status),
        ("customers counted by day", by_day),
    ]
}

/// Checks the widest window, which is wider than any run is long.
fn of_trends() -> String {
    let applied = applied("posts_trending", "post");
    format!(
        "with folded as (select stream_id, \
         count(*) filter (where type = 'PostLiked') - count(*) filter (where type = 'PostUnliked') as likes, \
         count(*) filter (where type = 'PostCommentAdded') - count(*) filter (where type = 'PostCommentRemoved') as comments \
         from ({applied}) a group by stream_id having count(*) filter (where type = 'PostDeleted') = 0), \
         kept as (select post_id, sum(likes)::bigint as likes, sum(comments)::bigint as comments from post_trend_count \
         where span = 3 group by post_id) \
         select count(*) as number from folded f full join kept k on k.post_id = f.stream_id \
         where coalesce(f.likes, 0) <> coalesce(k.likes, 0) or coalesce(f.comments, 0) <> coalesce(k.comments, 0)"
    )
}
