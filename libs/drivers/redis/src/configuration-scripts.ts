/**
 * The writes of the configuration log as Lua, so that each is atomic: compared, written and indexed at once.
 *
 * The stream begins with the entry `0-1`, the lineage; version V is the entry `V-0`. Its redundant fields say the
 * lineage again, so that an entry tells by itself where it belongs.
 */

/** KEYS: stream. ARGV: lineage. Returns 1, or 0 when the log is not empty. */
export const INITIALISE = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('XADD', KEYS[1], '0-1', 'lineage', ARGV[1])
return 1
`;

/**
 * KEYS: stream, index of ids. ARGV: version, id, lineage, change. Returns whether it stands in the log now, and the
 * newest version. The checks come before the first write, and each refusal that a write can meet meets the first.
 */
export const COMMIT = `
local newest = 0
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if last[1] then newest = tonumber(string.match(last[1][1], '^%d+')) end
local known = redis.call('HGET', KEYS[2], ARGV[2])
if known == ARGV[1] and redis.call('XRANGE', KEYS[1], known .. '-0', known .. '-0')[1] then return {1, newest} end
local first = redis.call('XRANGE', KEYS[1], '0-1', '0-1')
if known or not first[1] or first[1][2][2] ~= ARGV[3] or tonumber(ARGV[1]) ~= newest + 1 then return {0, newest} end
redis.call('XADD', KEYS[1], ARGV[1] .. '-0', 'id', ARGV[2], 'lineage', ARGV[3], 'change', ARGV[4])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
return {1, newest + 1}
`;

/** KEYS: snapshot. ARGV: version, state. An older one than there is changes nothing. */
export const WRITE_SNAPSHOT = `
local known = redis.call('HGET', KEYS[1], 'version')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'state', ARGV[2])
return 1
`;
