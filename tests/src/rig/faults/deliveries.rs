//! Repeated and reordered deliveries.

use std::time::Instant;

use tokio::task::block_in_place;

use super::Injected;
use crate::rig::Rig;

const TIMES: usize = 5;

/// Adds the last entries of each stream again, the newest first, after its last one and before the next position: relays still
/// find the same end of the stream, and readers get old events after new ones. Jobs are handed out once more too.
const DOUBLE: &str = "
local doubled = 0
for _, key in ipairs(redis.call('KEYS', '*:part:*')) do
    local entries = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 10)
    if entries[1] then
        local top, step = string.match(entries[1][1], '^(%d+)%-(%d+)$')
        for number, entry in ipairs(entries) do
            local id = top .. '-' .. string.format('%.0f', tonumber(step) + number)
            redis.call('XADD', key, id, unpack(entry[2]))
            doubled = doubled + 1
        end
    end
end
for _, key in ipairs(redis.call('KEYS', '*:jobs:*')) do
    if redis.call('TYPE', key)['ok'] == 'stream' then
        for _, entry in ipairs(redis.call('XREVRANGE', key, '+', '-', 'COUNT', 10)) do
            redis.call('XADD', key, '*', unpack(entry[2]))
            doubled = doubled + 1
        end
    end
end
return doubled";

pub(super) async fn double(rig: &mut Rig, _: usize) -> Injected {
    let mut doubled = 0;
    for _ in 0..TIMES {
        doubled += block_in_place(|| rig.redis.run_script(DOUBLE, &[]));
        tokio::task::yield_now().await;
    }
    if doubled == 0 {
        return Err("the streams were empty".into());
    }
    Ok(Instant::now())
}
