//! Postgres: it crashes, freezes, falls silent, becomes read-only, terminates connections, loses its answers to COMMIT, or has
//! a transaction that stays open.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;
use tokio::task::block_in_place;

use super::Injected;
use crate::held::update_in_tx;
use crate::ids;
use crate::rig::Rig;
use crate::rig::proxy::{Fate, Silence};
use crate::waiting::SOON;

const OUTAGE: Duration = Duration::from_secs(10);
/// The time-out of an answer, and a little more.
const NOTICED: Duration = Duration::from_secs(15);
const HELD: Duration = Duration::from_secs(30);
/// Longer than a request may take.
const SILENCE: Duration = Duration::from_secs(6);

/// Crashes the server, or freezes its network, by turns.
pub(super) async fn stop(rig: &mut Rig, turn: usize) -> Injected {
    if turn.is_multiple_of(2) {
        block_in_place(|| rig.postgres.crash());
        tokio::time::sleep(OUTAGE).await;
        block_in_place(|| rig.postgres.restart());
    } else {
        rig.database_proxy.freeze();
        tokio::time::sleep(OUTAGE).await;
        rig.database_proxy.thaw();
    }
    Ok(Instant::now())
}

pub(super) async fn disconnect(rig: &mut Rig, _: usize) -> Injected {
    let sql = "select count(pg_terminate_backend(pid)) as number from pg_stat_activity \
        where application_name = 'millrace'";
    let terminated = rig.sight.number(sql).await?;
    if terminated == 0 {
        return Err("nobody was connected".into());
    }
    Ok(Instant::now())
}

/// Silences the connections. The silence does not end; the fault is over when every waiting process must have noticed.
pub(super) async fn silence(rig: &mut Rig, turn: usize) -> Injected {
    rig.database_proxy.silence_all(Silence::in_turn(turn));
    tokio::time::sleep(NOTICED).await;
    Ok(Instant::now())
}

/// Simulates a failover to a server that is still a standby: the server refuses writes, and when it stops refusing them,
/// nobody tells the sessions.
pub(super) async fn refuse_writes(rig: &mut Rig, _: usize) -> Injected {
    let set = |value: &str| {
        format!(
            "do $$ begin execute format('alter database %I set default_transaction_read_only = {value}',
                current_database()); end $$"
        )
    };
    let error = |error: sea_orm::DbErr| error.to_string();
    let database = rig.sight.database.clone();
    database
        .execute_unprepared(&set("on"))
        .await
        .map_err(error)?;
    let disconnected = disconnect(rig, 0).await;
    tokio::time::sleep(OUTAGE).await;
    database
        .execute_unprepared(&format!("set transaction_read_only = off; {}", set("off")))
        .await
        .map_err(error)?;
    disconnected.map(|_| Instant::now())
}

/// Loses answers to COMMIT: requests time out meanwhile, and are repeated. The silent connections end with the fault.
pub(super) async fn leave_commits_unanswered(rig: &mut Rig, turn: usize) -> Injected {
    let late = Fate::AnsweredLate(Duration::from_millis(rig.random.u64(100..3_000)));
    let fates = match turn % 4 {
        0 => vec![late; 10],
        1 => vec![Fate::CutBeforeAnswer; 10],
        2 => vec![Fate::Lost; 10],
        _ => vec![Fate::NeverAnswered; 10],
    };
    let is_silent = fates[0] == Fate::NeverAnswered;
    rig.database_proxy.doom_commits(fates);
    let began = Instant::now();
    while rig.database_proxy.doomed_left() > 0 {
        if began.elapsed() > SOON {
            return Err("there were no COMMITs".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if is_silent {
        tokio::time::sleep(SILENCE).await;
        rig.database_proxy.cut_all();
    }
    Ok(Instant::now())
}

/// Does what the product does in an update, and commits later. It may last less than half a minute in a short run.
pub(super) async fn hold_transaction(rig: &mut Rig, turn: usize) -> Injected {
    let mut hand = rig
        .load
        .hand(format!("held-{turn}"), rig.load.admins.clone(), 0);
    let events = &[("customer", 1)];
    let email = format!("held-{:x}@example.com", fastrand::u64(..));
    let input = json!({ "name": "Held", "email": email });
    let created = hand.ask_version("createCustomer", "customer", input, events, 0);
    let id = created.await["id"].take();
    let input = json!({ "id": id, "name": "Held once" });
    hand.ask_version("updateCustomer", "customer", input, events, 1)
        .await;
    let uuid = id.as_str().and_then(ids::uuid_digits);
    let uuid = uuid.ok_or("no customer to hold")?;
    let key = rig.load.book.ask("held", events);
    let error = |error: sea_orm::DbErr| error.to_string();
    let tx = rig.sight.database.begin().await.map_err(error)?;
    update_in_tx(&tx, &uuid, &key).await;
    tokio::time::sleep(HELD).await;
    tx.commit().await.map_err(error)?;
    rig.load.book.answer(key);
    Ok(Instant::now())
}
