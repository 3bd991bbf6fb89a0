-- Adds to debts that are paid off as time passes. KEYS are theirs, ARGV[1] is the most that one may be, in microseconds, and then come the
-- amounts. A debt is kept as the moment at which it is paid off, and its key lives no longer. Returns what each debt is now.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local most = tonumber(ARGV[1])
local debts = {}
for i, key in ipairs(KEYS) do
  local paid_off = tonumber(redis.call('GET', key)) or 0
  -- A server whose clock went back must not hold anybody liable for long.
  local before = math.min(math.max(paid_off - now, 0), most)
  local debt = math.min(before + ARGV[i + 1], most)
  redis.call('SET', key, string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000) + 1)
  debts[i] = debt
end
return debts
