-- Appends events to the streams of their parts, each only directly behind its predecessor, so that a stream has neither
-- gaps nor duplicates, whoever else appends, and whatever Redis has lost.
-- KEYS: a stream for each part. ARGV[1]: '1' lets an empty stream begin anywhere (a refill from the log). ARGV[2]: streams
-- that end before this position begin anew, as the events after their end were pruned from the log.
-- Then for each event: the number of its key, the position before it in its part, its position, the event.
-- Returns the last position of each stream, -1 for an empty one.
local tops = {}
for k, key in ipairs(KEYS) do
    local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
    if last then
        tops[k] = tonumber(string.match(last[1], '^%d+'))
    end
    if not last or tops[k] < tonumber(ARGV[2]) then
        -- Streams are never trimmed to nothing, so an empty one has lost its entries: its last id must not prevent the refill.
        if redis.call('EXISTS', key) == 1 then
            redis.call('DEL', key)
        end
        tops[k] = -1
    end
end
for i = 3, #ARGV, 4 do
    local k, previous, position = tonumber(ARGV[i]), tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
    if previous == tops[k] or (tops[k] == -1 and (previous == 0 or ARGV[1] == '1')) then
        local added = redis.pcall('XADD', KEYS[k], ARGV[i + 2] .. '-0', 'event', ARGV[i + 3])
        if type(added) == 'table' and added.err then
            -- After a script's first write Redis refuses no other, however full it is, so no write is made merely to retry.
            if not string.find(added.err, 'equal or smaller', 1, true) then
                return redis.error_reply(added.err)
            end
            -- The stream's last id is past its last entry: the tail was deleted.
            redis.call('XSETID', KEYS[k], string.format('%.0f-0', tops[k]))
            redis.call('XADD', KEYS[k], ARGV[i + 2] .. '-0', 'event', ARGV[i + 3])
        end
        tops[k] = position
    end
end
return tops
