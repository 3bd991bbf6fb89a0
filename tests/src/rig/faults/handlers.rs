//! Failures that handlers and followers cannot get past: an invalid event, a signal that kills every process that handles it,
//! and a processor that does not answer. Others go on meanwhile; then the cause is fixed, and dead letters are replayed.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::block_in_place;

use super::Injected;
use crate::recipe;
use crate::rig::Rig;
use crate::waiting::SOON;
use crate::{ids, rig::KILLING_VALUE};

/// How long it may take until an event becomes a dead letter, or a signal ends.
const GIVEN_UP_LIMIT: Duration = SOON.saturating_mul(4);
/// Longer than any deadline.
const SILENT: &str = "signal_trend:delay=120s";
/// How many signals are submitted while a processor is silent, besides those of the writers.
const UNHEARD_SIGNALS: usize = 3;

/// Appends a like without a user, which two followers of posts cannot apply, and a valid one after it, which has to wait.
pub(super) async fn poison(rig: &mut Rig, turn: usize) -> Injected {
    let clients = rig.load.admins.clone();
    let hand = &mut rig.load.hand(format!("poisoned-{turn}"), clients, 0);
    let input = json!({ "message": hand.new_text() });
    let created = hand.ask_version("createPost", "post", input, &[("post", 1)], 0);
    let id = created.await["id"].as_str().and_then(ids::uuid_digits);
    let id = id.ok_or("no post to poison")?;
    like(rig, &id, 2, "{}").await?;
    like(rig, &id, 3, &liked_by(3)).await?;
    let letters = format!(
        "select abs(4 - count(*)) + abs(2 - count(*) filter (where parked)) as number from dead_letter \
         where stream_id = '{id}'"
    );
    let what = "dead letters too few or too many";
    rig.sight.await_none(&letters, GIVEN_UP_LIMIT, what).await?;
    // Everything else goes on.
    rig.recovery(Instant::now()).await?;
    let mend = format!(
        "update event set data = '{}' where stream_id = '{id}' and version = 2 returning 1::bigint as number",
        liked_by(2)
    );
    if rig.sight.number(&mend).await? != 1 {
        return Err("the event could not be mended".into());
    }
    replay_all(rig, turn).await?;
    Ok(Instant::now())
}

fn liked_by(number: u8) -> String {
    format!("{{\"userId\": \"00000000-0000-7000-8000-{number:012}\"}}")
}

/// Appends a like to a post directly, as no command would.
async fn like(rig: &Rig, id: &str, version: u8, data: &str) -> Result<(), String> {
    let append = format!(
        "insert into event (event_id, part, stream, stream_id, version, type, schema_version, data, meta, occurred_at) \
         select gen_random_uuid(), part, stream, stream_id, {version}, 'PostLiked', 1, '{data}', \
         (meta::jsonb - 'idempotency_key')::json, now() from event where stream_id = '{id}' and version = 1 \
         returning 1::bigint as number"
    );
    match rig.sight.number(&append).await? {
        1 => Ok(()),
        _ => Err(format!("version {version} was not appended")),
    }
}

/// Replays all letters, with the command line or the mutation by turns.
async fn replay_all(rig: &Rig, turn: usize) -> Result<(), String> {
    if turn.is_multiple_of(2) {
        let mut command = rig.setup.command(&["dead-letters", "replay", "--all"]);
        let done = block_in_place(|| recipe::finish(&mut command));
        if !done.status.success() {
            return Err(format!("the replay ended with {done:?}"));
        }
    } else {
        let document = "mutation($input: ReplayDeadLettersInput!) { \
            replayDeadLetters(input: $input) { replayed left } }";
        let client = &rig.load.admins[turn % rig.load.admins.len()];
        let replayed = client
            .run(document, json!({ "input": { "all": true } }))
            .await;
        if replayed.body["data"]["replayDeadLetters"]["left"] != 0 {
            return Err(format!("a replay is answered with {}", replayed.body));
        }
    }
    Ok(())
}

/// Kills a handler: a processor ends its process on this signal, again and again, until its delivery is given up; the signal
/// ends without it. The processes are restarted each time, as a supervisor would. Then the bug is fixed.
pub(super) async fn kill_in_handler(rig: &mut Rig, turn: usize) -> Injected {
    restart_workers(rig, Some(&format!("signal_levels:kill={KILLING_VALUE}")))?;
    let signal = rig
        .load
        .submit_and_follow(&format!("killing-{turn}"), Some(KILLING_VALUE))
        .await;
    let id = ids::uuid_digits(&signal).ok_or("no signal")?;
    let dead = format!(
        "select 1 - count(*) as number from dead_letter where stream_id = '{id}' and consumer = 'signal_levels'"
    );
    let began = Instant::now();
    let mut killed = 0;
    while rig.sight.number(&dead).await? != 0 {
        if began.elapsed() > GIVEN_UP_LIMIT {
            return Err(format!("after {killed} kills it is not given up"));
        }
        for index in 0..rig.workers.len() {
            if !rig.workers[index].is_running() {
                killed += 1;
                rig.restart_worker(index);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if killed == 0 {
        return Err("nothing was killed".into());
    }
    await_partial(rig, &id).await?;
    restart_workers(rig, None)?;
    replay_all(rig, turn).await?;
    Ok(Instant::now())
}

/// Silences a processor: signals end at their deadlines with the others' results; a later result is recorded, and changes
/// nothing.
pub(super) async fn silence(rig: &mut Rig, turn: usize) -> Injected {
    restart_workers(rig, Some(SILENT))?;
    let mut signals = Vec::new();
    for number in 0..UNHEARD_SIGNALS {
        let source = format!("unheard-{turn}-{number}");
        signals.push(rig.load.submit_and_follow(&source, None).await);
    }
    for signal in &signals {
        let id = ids::uuid_digits(signal).ok_or("no signal")?;
        await_partial(rig, &id).await?;
    }
    restart_workers(rig, None)?;
    let end = Instant::now();
    for signal in &signals {
        let id = ids::uuid_digits(signal).ok_or("no signal")?;
        let missing = format!(
            "select 1 - count(*) as number from signal_result where signal_id = '{id}' and is_late"
        );
        rig.sight
            .await_none(&missing, GIVEN_UP_LIMIT, "late results missing")
            .await?;
        await_partial(rig, &id).await?;
    }
    Ok(end)
}

/// Waits until the signal has ended without one processor.
async fn await_partial(rig: &Rig, id: &str) -> Result<(), String> {
    let open = format!(
        "select 1 - count(*) as number from signal s where id = '{id}' and status = 'PARTIAL' \
         and (select count(*) from signal_result r where r.signal_id = s.id and not is_late) = 2"
    );
    rig.sight
        .await_none(&open, GIVEN_UP_LIMIT, "signals that have not ended")
        .await
}

/// Restarts the workers one after the other, with these faults in their processors, or none.
fn restart_workers(rig: &mut Rig, faults: Option<&str>) -> Result<(), String> {
    match faults {
        Some(faults) => rig.setup.settings.set("MILLRACE_FAULTS", faults),
        None => rig.setup.settings.leave("MILLRACE_FAULTS"),
    }
    for index in 0..rig.workers.len() {
        if rig.workers[index].is_running() {
            let ended = block_in_place(|| rig.workers[index].terminate(SOON));
            // The process may just have been killed by the signal that it handles.
            if !ended.success() && faults.is_some() {
                return Err(format!("worker {index} ended with {ended}"));
            }
        }
        rig.restart_worker(index);
    }
    Ok(())
}
