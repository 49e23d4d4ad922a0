/**
 * The exchange of a worker with the limit board, as Lua, so that it is atomic and one round trip.
 *
 * KEYS: workers (a sorted set: incarnation by when it is forgotten), awaited (a sorted set: limit by when it was), then
 * one hash a limit of slots (incarnation: `held want`), then one a limit of recipients (`end`, `used`, `reset`).
 *
 * ARGV: incarnation, how long a worker is known, since when what is awaited is to be told, how long a reset rests, the
 * number of limits of slots; five for each: name, limit, in use, want, hold; eight for each of recipients: most, window,
 * ask, least, window of what comes back, how much that is, spent, reset. Instants and times in milliseconds.
 */
export const EXCHANGE = `
local function text(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local me, lease, since, rest, count = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
local isNew = redis.call('ZSCORE', KEYS[1], me) and 0 or 1
redis.call('ZADD', KEYS[1], text(now + lease), me)
local lives = {}
for _, who in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do lives[who] = true end

local slots = {}
for i = 1, count do
  local key, at = KEYS[2 + i], 5 + (i - 1) * 5
  local limit, use = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local want, hold = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local answer, free, known = {0}, limit, redis.call('HGETALL', key)
  for j = 1, #known, 2 do
    local who = known[j]
    if who ~= me and lives[who] then
      local held, wants = string.match(known[j + 1], '^(%d+) (%d+)$')
      free = free - tonumber(held)
      answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = who, tonumber(wants), tonumber(held)
    elseif who ~= me then
      redis.call('HDEL', key, who)
    end
  end
  local held = math.max(use, math.min(hold, math.max(0, free)))
  if held > 0 or want > 0 then
    redis.call('HSET', key, me, text(held) .. ' ' .. text(want))
    redis.call('PEXPIRE', key, 300000)
  else
    redis.call('HDEL', key, me)
  end
  if held < want then redis.call('ZADD', KEYS[2], text(now), ARGV[at + 1]) end
  answer[1] = held
  slots[i] = answer
end

local windows = {}
for i = 3 + count, #KEYS do
  local key, at = KEYS[i], 5 + count * 5 + (i - 3 - count) * 8
  local most, window = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local ask, least = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local back, spent = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7])
  local known = redis.call('HMGET', key, 'end', 'used', 'reset')
  local ends, used, reset = tonumber(known[1] or 0), tonumber(known[2] or 0), tonumber(known[3] or 0)
  local isReset = ARGV[at + 8] == '1' and now - reset >= rest
  if isReset then reset = now end
  if isReset or now >= ends then ends, used = 0, 0 end
  if ARGV[at + 5] == text(ends) then used = math.max(0, used - back) end
  if ends == 0 and (spent > 0 or ask > 0) then ends = now + window end
  used = used + spent
  local granted = math.max(0, math.min(ask, most - used))
  if granted < least then granted = 0 end
  used = used + granted
  redis.call('HSET', key, 'end', text(ends), 'used', text(used), 'reset', text(reset))
  redis.call('PEXPIRE', key, text(window + rest))
  if ends == 0 then windows[#windows + 1] = {0, '', 0}
  else windows[#windows + 1] = {granted, text(ends), ends - now} end
end

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now - 60000))
return {isNew, text(now), redis.call('ZRANGEBYSCORE', KEYS[2], since, '+inf'), slots, windows}
`;
