package registry

import "github.com/redis/go-redis/v9"

// whole begins every script. An event's hash is whole if its own version is the one that the account's state has for the
// event, and if it holds as many records as the version says. Every script that changes a hash first makes sure that it is
// whole, so a hash that was evicted and written again in part is never taken for whole.
const whole = `
local function whole(hash, version)
  return redis.call('HGET', hash, 'v') == version
    and redis.call('HLEN', hash) == tonumber(string.match(version, ':(%d+)$')) + 1
end
local function intact(state)
  for _, f in ipairs(redis.call('HKEYS', state)) do
    if string.sub(f, 1, 2) == 'v:' and not whole(state .. ':' .. string.sub(f, 3), redis.call('HGET', state, f)) then
      return false
    end
  end
  return true
end
local function stamp(state, event, revision)
  local hash = state .. ':' .. event
  redis.call('HSET', hash, 'v', '')
  local version = revision .. ':' .. (redis.call('HLEN', hash) - 1)
  redis.call('HSET', hash, 'v', version)
  redis.call('HSET', state, 'v:' .. event, version)
end
`

// applyScript brings one change of the journal into the index.
//
//	KEYS[1] the account's state, KEYS[2] the hash of the record's event (none for a removal)
//	ARGV    revision before, revision, id, record ("" for a removal)
//	result  1 applied or there already, 0 Redis lost something: replace the account
//
// A removal touches the hashes of all events of the account; their names follow from the state, on the same slot.
var applyScript = redis.NewScript(whole + `
local rev = tonumber(redis.call('HGET', KEYS[1], 'rev') or '')
if not rev or rev < tonumber(ARGV[1]) then return 0 end
if rev >= tonumber(ARGV[2]) then return 1 end
if ARGV[4] ~= '' then
  local event = string.sub(KEYS[2], #KEYS[1] + 2)
  local version = redis.call('HGET', KEYS[1], 'v:' .. event)
  if version then
    if not whole(KEYS[2], version) then return 0 end
    redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  else
    redis.call('DEL', KEYS[2])
    redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  end
  stamp(KEYS[1], event, ARGV[2])
else
  if not intact(KEYS[1]) then return 0 end
  for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(f, 1, 2) == 'v:' and redis.call('HDEL', KEYS[1] .. ':' .. string.sub(f, 3), ARGV[3]) == 1 then
      stamp(KEYS[1], string.sub(f, 3), ARGV[2])
    end
  end
end
redis.call('HSET', KEYS[1], 'rev', ARGV[2])
redis.call('PERSIST', KEYS[1])
return 1`)

// replaceScript replaces all of an account.
//
//	KEYS[1] the account's state
//	ARGV    revision, "1" to replace what is whole and not newer too, then event, id, record of each webhook
//	result  the revision that Redis then has
//
// What is whole and at this revision or a newer one stays, and so does all that is newer. The state of an account without
// webhooks expires: publishers may make up names, which must not fill Redis.
var replaceScript = redis.NewScript(whole + `
local rev = redis.call('HGET', KEYS[1], 'rev')
if rev then
  if tonumber(rev) > tonumber(ARGV[1]) then return rev end
  if tonumber(rev) == tonumber(ARGV[1]) and ARGV[2] ~= '1' and intact(KEYS[1]) then return rev end
end
for _, f in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(f, 1, 2) == 'v:' then redis.call('DEL', KEYS[1] .. ':' .. string.sub(f, 3)) end
end
redis.call('DEL', KEYS[1])
local events = {}
for i = 3, #ARGV, 3 do
  local hash = KEYS[1] .. ':' .. ARGV[i]
  if not events[ARGV[i]] then
    redis.call('DEL', hash)
    events[ARGV[i]] = true
  end
  redis.call('HSET', hash, ARGV[i + 1], ARGV[i + 2])
end
for event in pairs(events) do stamp(KEYS[1], event, ARGV[1]) end
redis.call('HSET', KEYS[1], 'rev', ARGV[1])
if #ARGV == 2 then redis.call('EXPIRE', KEYS[1], 86400) end
return ARGV[1]`)

// fetchScript reads the webhooks of a pair with their version.
//
//	KEYS[1] the account's state, KEYS[2] the event's hash
//	ARGV[1] the event
//	result  revision, version, fields and values of the hash; nothing if the hash is not whole
var fetchScript = redis.NewScript(whole + `
local rev, version = redis.call('HGET', KEYS[1], 'rev'), redis.call('HGET', KEYS[1], 'v:' .. ARGV[1])
if not rev or not version or not whole(KEYS[2], version) then return {} end
return {rev, version, redis.call('HGETALL', KEYS[2])}`)

// touchScript notes how far the index has come. The mark only grows.
//
//	KEYS[1] the mark of the index, KEYS[2] the highest id that was ever seen
//	ARGV    revision, the latest time up to it in nanoseconds, id
var touchScript = redis.NewScript(`
if tonumber(redis.call('HGET', KEYS[1], 'rev') or '-1') < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'rev', ARGV[1], 'at', ARGV[2])
end
if tonumber(redis.call('GET', KEYS[2]) or '-1') < tonumber(ARGV[3]) then redis.call('SET', KEYS[2], ARGV[3]) end
return 1`)
