//! Processes that are killed, paused, and restarted.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::block_in_place;

use super::Injected;
use crate::rig::{LEASE, One, PROCESSES, Rig};

/// How many mutations are under way when the relaying gateway is killed.
const BURST: usize = 20;

pub(super) async fn kill_gateway(rig: &mut Rig, turn: usize) -> Injected {
    let index = turn % rig.gateways.len();
    block_in_place(|| rig.gateways[index].process.kill());
    let killed = Instant::now();
    rig.restart_gateway(index);
    Ok(killed)
}

pub(super) async fn kill_worker(rig: &mut Rig, turn: usize) -> Injected {
    let index = turn % rig.workers.len();
    block_in_place(|| rig.workers[index].kill());
    let killed = Instant::now();
    rig.restart_worker(index);
    Ok(killed)
}

/// Kills the process that relays. There is no leader: the process that writes also numbers and relays first. So a burst goes
/// through one gateway, which is killed while the burst is being answered.
pub(super) async fn kill_relay(rig: &mut Rig, turn: usize) -> Injected {
    let index = turn % rig.gateways.len();
    let both = rig.load.admins.clone();
    let first = both[index].clone();
    let mut writing = Vec::new();
    for number in 0..BURST {
        let clients = vec![first.clone()];
        let mut hand = rig.load.hand(format!("burst-{turn}-{number}"), clients, 0);
        writing.push(tokio::spawn(async move {
            let email = format!("burst-{:x}@example.com", fastrand::u64(..));
            let input = json!({ "name": "Burst", "email": email });
            let events = &[("customer", 1)];
            hand.ask_version("createCustomer", "customer", input, events, 0)
                .await
        }));
    }
    let moment = Duration::from_micros(rig.random.u64(..60_000));
    tokio::time::sleep(moment).await;
    block_in_place(|| rig.gateways[index].process.kill());
    let killed = Instant::now();
    rig.restart_gateway(index);
    for writer in writing {
        writer.await.map_err(|error| error.to_string())?;
    }
    Ok(killed)
}

/// Pauses gateways and workers by turns.
pub(super) async fn pause(rig: &mut Rig, turn: usize) -> Injected {
    let index = turn / 2 % rig.gateways.len();
    let process = if turn.is_multiple_of(2) {
        &mut rig.workers[index]
    } else {
        &mut rig.gateways[index].process
    };
    process.pause();
    tokio::time::sleep(2 * LEASE).await;
    process.resume();
    Ok(Instant::now())
}

pub(super) async fn restart_all(rig: &mut Rig, _: usize) -> Injected {
    for index in 0..PROCESSES {
        rig.replace(One::Gateway(index))?;
    }
    for index in 0..PROCESSES {
        rig.replace(One::Worker(index))?;
    }
    Ok(Instant::now())
}
