//! Writes a batch: first the sources, then the counts that they change; then it drops old rows, and ranks the posts whose
//! counts changed. Rows of different parts belong to different posts, so parts never wait for each other.

use std::collections::{BTreeMap, BTreeSet};

use ::events::Result;
use sea_orm::Value;

use super::{
    TrendWindow,
    batch::{Batch, SourceKind, Touched},
    decay::StepCount,
};
use crate::bulk::{self, Kind};

use crate::posts::PostId;
use events::{
    DatabaseTransaction,
    sql::{execute, query_as},
};

/// The difference of a count.
#[derive(Debug, Clone, Copy, Default)]
struct Delta {
    part: i16,
    likes: i64,
    comments: i64,
}

/// The key of a row of counts.
type CountKey = (TrendWindow, PostId, i64);
/// The posts to rank again.
type Affected = BTreeSet<(TrendWindow, PostId)>;

/// The latest event of each part: before the batch, if there was one, and with it.
type Clocks = BTreeMap<i16, (Option<i64>, i64)>;

const SOURCE_KEY: bulk::Columns<3> = [
    ("of_post", Kind::Uuid),
    ("of_kind", Kind::Number),
    ("of_subject", Kind::Uuid),
];
const STANDING_KEY: bulk::Columns<2> = [("of_span", Kind::Number), ("of_post", Kind::Uuid)];

/// Adds a batch to the stored scores.
pub(super) async fn store(tx: &DatabaseTransaction, batch: Batch) -> Result<()> {
    crate::posts::changes::use_indexes(tx).await?;
    let clocks = advance_clocks(tx, &batch).await?;
    let mut deltas = BTreeMap::new();
    take_sources(tx, &batch, &clocks, &mut deltas).await?;
    give_sources(tx, &batch, &clocks, &mut deltas).await?;
    change_counts(tx, &deltas).await?;
    let mut affected: Affected = deltas
        .into_keys()
        .map(|(window, post_id, _)| (window, post_id))
        .collect();
    drop_old(tx, &clocks, &mut affected).await?;
    forget_posts(tx, &batch.deleted).await?;
    affected.retain(|(_, post_id)| !batch.deleted.contains(post_id));
    rank(tx, &affected).await
}

async fn advance_clocks(tx: &DatabaseTransaction, batch: &Batch) -> Result<Clocks> {
    let select = "select part, latest_s from post_trend_clock";
    let before: Vec<(i16, i64)> = query_as(tx, select, Vec::new()).await?;
    let before: BTreeMap<_, _> = before.into_iter().collect();
    let clocks: Clocks = batch
        .latest_s
        .iter()
        .map(|(part, latest_s)| {
            let before = before.get(part).copied();
            (*part, (before, before.unwrap_or(i64::MIN).max(*latest_s)))
        })
        .collect();
    let moved = clocks.iter().filter_map(|(part, (before, latest_s))| {
        let row: [Value; 2] = [i64::from(*part).into(), (*latest_s).into()];
        (*before != Some(*latest_s)).then_some(row)
    });
    let columns = [("in_part", Kind::Number), ("at_s", Kind::Number)];
    let upsert =
        "insert into post_trend_clock (part, latest_s) select in_part, at_s from v where true
         on conflict (part) do update set latest_s = excluded.latest_s";
    let moved: Vec<_> = moved.collect();
    bulk::execute(tx, &columns, moved, upsert).await?;
    Ok(clocks)
}

/// Returns the time from which sources are kept.
fn oldest_source_s(latest_s: i64) -> i64 {
    let window = TrendWindow::LONGEST;
    window.oldest_kept(latest_s) * window.step_seconds()
}

/// Counts one source, in those windows that still include its step.
fn count(
    deltas: &mut BTreeMap<CountKey, Delta>,
    clocks: &Clocks,
    part: i16,
    (post_id, kind, at_s): (PostId, i16, i64),
    by: i64,
) {
    let latest_s = clocks
        .get(&part)
        .map_or(i64::MIN, |(_, latest_s)| *latest_s);
    for window in TrendWindow::ALL {
        let step = window.step_of(at_s);
        if step < window.oldest_kept(latest_s) {
            continue;
        }
        let delta = deltas.entry((window, post_id, step)).or_default();
        delta.part = part;
        if kind == SourceKind::Like.number() {
            delta.likes += by;
        } else {
            delta.comments += by;
        }
    }
}

/// Deletes the sources that are taken back, if they are still kept; returns them.
async fn take_sources(
    tx: &DatabaseTransaction,
    batch: &Batch,
    clocks: &Clocks,
    deltas: &mut BTreeMap<CountKey, Delta>,
) -> Result<()> {
    let taken = batch.touched.iter().filter(|(_, touched)| touched.is_taken);
    let rows = taken.map(|(source, _)| -> [Value; 3] {
        [
            source.post_id.into(),
            i64::from(source.kind.number()).into(),
            source.subject.into(),
        ]
    });
    let delete = "delete from post_trend_source
         where (post_id, kind, subject) in (select of_post, of_kind, of_subject from v)
         returning post_id, kind, part, at_s";
    let rows: Vec<_> = rows.collect();
    for (post_id, kind, part, at_s) in bulk::query(tx, &SOURCE_KEY, rows, delete).await? {
        count(deltas, clocks, part, (post_id, kind, at_s), -1);
    }
    Ok(())
}

async fn give_sources(
    tx: &DatabaseTransaction,
    batch: &Batch,
    clocks: &Clocks,
    deltas: &mut BTreeMap<CountKey, Delta>,
) -> Result<()> {
    let mut rows: Vec<[Value; 5]> = Vec::new();
    for (source, touched) in &batch.touched {
        let Touched {
            part,
            given_at_s: Some(at_s),
            ..
        } = *touched
        else {
            continue;
        };
        let is_kept = clocks
            .get(&part)
            .is_some_and(|(_, latest_s)| at_s >= oldest_source_s(*latest_s));
        if !is_kept {
            continue;
        }
        let kind = source.kind.number();
        count(deltas, clocks, part, (source.post_id, kind, at_s), 1);
        rows.push([
            source.post_id.into(),
            i64::from(kind).into(),
            source.subject.into(),
            i64::from(part).into(),
            at_s.into(),
        ]);
    }
    let [post, kind, subject] = SOURCE_KEY;
    let columns = [
        post,
        kind,
        subject,
        ("in_part", Kind::Number),
        ("given_s", Kind::Number),
    ];
    let insert =
        "insert into post_trend_source (post_id, kind, subject, part, at_s) select * from v";
    bulk::execute(tx, &columns, rows, insert).await?;
    Ok(())
}

async fn change_counts(tx: &DatabaseTransaction, deltas: &BTreeMap<CountKey, Delta>) -> Result<()> {
    let changed = deltas
        .iter()
        .filter(|(_, delta)| (delta.likes, delta.comments) != (0, 0));
    let rows = changed.map(|((window, post_id, step), delta)| -> [Value; 6] {
        [
            i64::from(window.number()).into(),
            (*post_id).into(),
            (*step).into(),
            i64::from(delta.part).into(),
            delta.likes.into(),
            delta.comments.into(),
        ]
    });
    let [span, post] = STANDING_KEY;
    let at_step = ("at_step", Kind::Number);
    let columns = [
        span,
        post,
        at_step,
        ("in_part", Kind::Number),
        ("more_likes", Kind::Number),
        ("more_comments", Kind::Number),
    ];
    let upsert = "insert into post_trend_count (span, post_id, step, part, likes, comments)
         select * from v where true
         on conflict (span, post_id, step) do update set
             likes = post_trend_count.likes + excluded.likes,
             comments = post_trend_count.comments + excluded.comments";
    let rows: Vec<_> = rows.collect();
    bulk::execute(tx, &columns, rows, upsert).await?;
    let lowered = deltas
        .iter()
        .filter(|(_, delta)| delta.likes < 0 || delta.comments < 0);
    let rows = lowered.map(|((window, post_id, step), _)| -> [Value; 3] {
        [
            i64::from(window.number()).into(),
            (*post_id).into(),
            (*step).into(),
        ]
    });
    let delete = "delete from post_trend_count
         where (span, post_id, step) in (select of_span, of_post, at_step from v) and likes = 0 and comments = 0";
    let rows: Vec<_> = rows.collect();
    bulk::execute(tx, &[span, post, at_step], rows, delete).await?;
    Ok(())
}

/// Drops rows that no window of the parts includes any more. It looks for them only when a step has passed since the part's
/// last batch.
async fn drop_old(
    tx: &DatabaseTransaction,
    clocks: &Clocks,
    affected: &mut Affected,
) -> Result<()> {
    for (part, (before, latest_s)) in clocks {
        for window in TrendWindow::ALL {
            let oldest = window.oldest_kept(*latest_s);
            if before.is_some_and(|before| window.oldest_kept(before) == oldest) {
                continue;
            }
            let delete = "delete from post_trend_count where part = $1 and span = $2 and step < $3 returning post_id";
            let values = vec![(*part).into(), window.number().into(), oldest.into()];
            let posts = query_as(tx, delete, values).await?;
            affected.extend(posts.into_iter().map(|post_id| (window, post_id)));
            if window == TrendWindow::LONGEST {
                let delete = "delete from post_trend_source where part = $1 and at_s < $2";
                let values = vec![(*part).into(), oldest_source_s(*latest_s).into()];
                execute(tx, delete, values).await?;
            }
        }
    }
    Ok(())
}

async fn forget_posts(tx: &DatabaseTransaction, deleted: &BTreeSet<PostId>) -> Result<()> {
    let rows = deleted.iter().map(|post_id| [Value::from(*post_id)]);
    let delete = "delete from post_trend_source where post_id in (select of_post from v)";
    let rows: Vec<_> = rows.collect();
    bulk::execute(tx, &[("of_post", Kind::Uuid)], rows, delete).await?;
    let of_all_windows: Affected = TrendWindow::ALL
        .into_iter()
        .flat_map(|window| deleted.iter().map(move |post_id| (window, *post_id)))
        .collect();
    for table in ["post_trend_count", "post_trend"] {
        let delete = format!(
            "delete from {table} where (span, post_id) in (select of_span, of_post from v)"
        );
        bulk::execute(tx, &STANDING_KEY, keys(&of_all_windows), &delete).await?;
    }
    Ok(())
}

fn keys<'a>(posts: impl IntoIterator<Item = &'a (TrendWindow, PostId)>) -> Vec<[Value; 2]> {
    posts
        .into_iter()
        .map(|(window, post_id)| [i64::from(window.number()).into(), (*post_id).into()])
        .collect()
}

/// Ranks posts by all their current counts; a post without any loses its rank.
async fn rank(tx: &DatabaseTransaction, affected: &Affected) -> Result<()> {
    let select = "select c.span, c.post_id, c.step, c.likes, c.comments
         from v join post_trend_count c on c.span = v.of_span and c.post_id = v.of_post
         order by c.span, c.post_id, c.step";
    let mut counts: BTreeMap<(TrendWindow, PostId), Vec<StepCount>> = BTreeMap::new();
    let rows = bulk::query(tx, &STANDING_KEY, keys(affected), select).await?;
    for (span, post_id, step, likes, comments) in rows {
        let Some(window) = TrendWindow::from_number(span) else {
            continue;
        };
        counts
            .entry((window, post_id))
            .or_default()
            .push(StepCount {
                step,
                likes,
                comments,
            });
    }
    let standings: BTreeMap<_, _> = counts
        .iter()
        .filter_map(|(key, counts)| Some((*key, key.0.standing(counts)?)))
        .collect();
    let out = affected.iter().filter(|key| !standings.contains_key(key));
    let delete = "delete from post_trend where (span, post_id) in (select of_span, of_post from v)";
    bulk::execute(tx, &STANDING_KEY, keys(out), delete).await?;
    let rows = standings
        .iter()
        .map(|((window, post_id), standing)| -> [Value; 4] {
            [
                i64::from(window.number()).into(),
                (*post_id).into(),
                standing.newest_step.into(),
                standing.rank.into(),
            ]
        });
    let [span, post] = STANDING_KEY;
    let columns = [
        span,
        post,
        ("newest", Kind::Number),
        ("new_rank", Kind::Real),
    ];
    let upsert = "insert into post_trend (span, post_id, newest_step, rank) select * from v where true
         on conflict (span, post_id) do update set newest_step = excluded.newest_step, rank = excluded.rank";
    let rows: Vec<_> = rows.collect();
    bulk::execute(tx, &columns, rows, upsert).await?;
    Ok(())
}
