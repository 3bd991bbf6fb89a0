//! Redis, which is expendable: it is flushed, restarted empty, stopped, loses its tail, or is cut off in the middle of a
//! command.

use std::time::{Duration, Instant};

use tokio::task::block_in_place;

use super::Injected;
use crate::rig::Rig;
use crate::rig::proxy::Silence;
use crate::waiting::SOON;

const OUTAGE: Duration = Duration::from_secs(10);
/// How many commands are cut.
const CUT_COMMANDS: u32 = 6;
/// How many entries a stream loses.
const LOST_ENTRIES: &str = "5";

/// Deletes the last entries of each stream, and sets the last id back to the entry before.
const LOSE_TAIL: &str = "
local lost = 0
for _, key in ipairs(redis.call('KEYS', '*:part:*')) do
    for _, entry in ipairs(redis.call('XREVRANGE', key, '+', '-', 'COUNT', ARGV[1])) do
        lost = lost + redis.call('XDEL', key, entry[1])
    end
    local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
    if last then redis.call('XSETID', key, last[1]) else redis.call('DEL', key) end
end
return lost";

pub(super) async fn flush(rig: &mut Rig, _: usize) -> Injected {
    block_in_place(|| rig.redis.flush_all());
    Ok(Instant::now())
}

pub(super) async fn restart_empty(rig: &mut Rig, _: usize) -> Injected {
    block_in_place(|| {
        rig.redis.kill();
        rig.redis.restart();
    });
    Ok(Instant::now())
}

/// Freezes or stops the server, by turns.
pub(super) async fn stop(rig: &mut Rig, turn: usize) -> Injected {
    if turn.is_multiple_of(2) {
        rig.redis.pause();
        tokio::time::sleep(OUTAGE).await;
        rig.redis.resume();
    } else {
        block_in_place(|| rig.redis.kill());
        tokio::time::sleep(OUTAGE).await;
        block_in_place(|| rig.redis.restart());
    }
    Ok(Instant::now())
}

/// Silences the connections. The silence does not end; the fault is over when every waiting process must have noticed.
pub(super) async fn silence(rig: &mut Rig, turn: usize) -> Injected {
    rig.redis_proxy.silence_all(Silence::in_turn(turn));
    tokio::time::sleep(OUTAGE).await;
    Ok(Instant::now())
}

pub(super) async fn lose_tail(rig: &mut Rig, _: usize) -> Injected {
    let lost = block_in_place(|| rig.redis.run_script(LOSE_TAIL, &[LOST_ENTRIES]));
    if lost == 0 {
        return Err("the streams were empty".into());
    }
    Ok(Instant::now())
}

pub(super) async fn cut_connections(rig: &mut Rig, _: usize) -> Injected {
    rig.redis_proxy.cut_commands(CUT_COMMANDS);
    let began = Instant::now();
    while rig.redis_proxy.cuts_left() > 0 {
        if began.elapsed() > SOON {
            return Err("nobody sent Redis commands".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(Instant::now())
}
