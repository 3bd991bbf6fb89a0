//! A process whose clock is an hour wrong.

use std::time::{Duration, Instant};

use tokio::task::block_in_place;

use super::Injected;
use crate::clock;
use crate::rig::Rig;
use crate::waiting::SOON;

/// How long it works with the wrong time.
const WRONG: Duration = Duration::from_secs(3);

/// Sets the clock ahead or behind, of a gateway or a worker, by turns.
pub(super) async fn set_off(rig: &mut Rig, turn: usize) -> Injected {
    let library = clock::library()?.display().to_string();
    let offset_s = if (turn / 2).is_multiple_of(2) {
        3_600
    } else {
        -3_600
    };
    let index = turn / 4 % rig.gateways.len();
    let settings = [
        ("LD_PRELOAD", library),
        ("CLOCK_OFFSET_S", offset_s.to_string()),
    ];
    let is_gateway = turn.is_multiple_of(2);
    restart(rig, is_gateway, index, &settings);
    tokio::time::sleep(WRONG).await;
    let said = if is_gateway {
        rig.gateways[index].process.log()
    } else {
        rig.workers[index].log()
    };
    let shows = |hours: Vec<String>| hours.iter().any(|hour| said.contains(hour.as_str()));
    let is_off = shows(hours(rig, offset_s).await?);
    restart(rig, is_gateway, index, &[]);
    if !is_off {
        return Err(format!("the clock was not {offset_s} s off:\n{said}"));
    }
    Ok(Instant::now())
}

/// Returns the hours that its log may show, with this offset from the right time.
async fn hours(rig: &Rig, offset_s: i64) -> Result<Vec<String>, String> {
    let mut hours = Vec::new();
    for earlier_s in [0, 60] {
        let sql = format!(
            "select to_char(now() at time zone 'utc' + interval '{} seconds', 'YYYY-MM-DD\"T\"HH24:') as text",
            offset_s - earlier_s
        );
        hours.push(rig.sight.text(&sql).await?);
    }
    Ok(hours)
}

/// Restarts the process with additional settings.
fn restart(rig: &mut Rig, is_gateway: bool, index: usize, settings: &[(&'static str, String)]) {
    let names = ["LD_PRELOAD", "CLOCK_OFFSET_S"];
    if is_gateway {
        let gateway = &mut rig.gateways[index];
        block_in_place(|| gateway.process.terminate(SOON));
        let own = gateway.settings_mut();
        names.iter().for_each(|name| own.leave(name));
        settings
            .iter()
            .for_each(|(name, value)| own.set(name, value));
        rig.restart_gateway(index);
    } else {
        block_in_place(|| rig.workers[index].terminate(SOON));
        let all = &mut rig.setup.settings;
        settings
            .iter()
            .for_each(|(name, value)| all.set(name, value));
        rig.restart_worker(index);
        names.iter().for_each(|name| rig.setup.settings.leave(name));
    }
}
