"""The steps of `grading.cache.shared` in Redis. Each is atomic; the keys are named there.

They make up the names of keys themselves, so they need one Redis and no cluster.
"""

_COMMON = """
local P = 'pizhu:cache:'
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function stamp(from)
  local keys = {}
  for i = from, #ARGV do keys[#keys + 1] = P .. 'stamp:' .. ARGV[i] end
  local stamps = redis.call('MGET', unpack(keys))
  for i, one in ipairs(stamps) do stamps[i] = one or '' end
  return table.concat(stamps, ',')
end
local function look(digest)
  local e = redis.call('HMGET', P .. 'entry:' .. digest, 'value', 'ends')
  if not e[1] then return nil end
  local left = tonumber(e[2]) - now()
  if left <= 0 then return nil end
  return {e[1], left}
end
local function remove(digest)
  local e = redis.call('HMGET', P .. 'entry:' .. digest, 'tags', 'bytes')
  redis.call('ZREM', P .. 'used', digest)
  redis.call('ZREM', P .. 'ends', digest)
  redis.call('ZREM', P .. 'hits', digest)
  if not e[1] then return 0 end
  for _, tag in ipairs(cjson.decode(e[1])) do redis.call('SREM', P .. 'tagged:' .. tag, digest) end
  redis.call('DECRBY', P .. 'bytes', e[2])
  redis.call('UNLINK', P .. 'entry:' .. digest)
  return 1
end
local function prune()
  local expired = redis.call('ZRANGEBYSCORE', P .. 'ends', '-inf', now(), 'LIMIT', 0, 200)
  for _, digest in ipairs(expired) do remove(digest) end
end
"""

LOOK = (
    _COMMON
    + """
return look(ARGV[1]) or {false, stamp(2)}
"""
)

STORE = (
    _COMMON
    + """
local digest, size, capacity = ARGV[1], tonumber(ARGV[7]), tonumber(ARGV[8])
if stamp(9) ~= ARGV[2] then return 0 end
remove(digest)
prune()
while tonumber(redis.call('GET', P .. 'bytes') or 0) + size > capacity do
  local oldest = redis.call('ZRANGE', P .. 'used', 0, 0)[1]
  if not oldest then break end
  remove(oldest)
end
local tags = {}
for i = 9, #ARGV do
  tags[#tags + 1] = ARGV[i]
  redis.call('SADD', P .. 'tagged:' .. ARGV[i], digest)
end
local t = now()
redis.call('HSET', P .. 'entry:' .. digest, 'value', ARGV[3], 'kind', ARGV[4], 'parts', ARGV[5],
  'tags', cjson.encode(tags), 'bytes', size, 'since', t, 'ends', t + ARGV[6])
redis.call('ZADD', P .. 'used', t, digest)
redis.call('ZADD', P .. 'ends', t + ARGV[6], digest)
redis.call('ZADD', P .. 'hits', 0, digest)
redis.call('INCRBY', P .. 'bytes', size)
return 1
"""
)

INVALIDATE = (
    _COMMON
    + """
local removed, tags = 0, {}
for i = 4, #ARGV do
  tags[#tags + 1] = ARGV[i]
  redis.call('SET', P .. 'stamp:' .. ARGV[i], ARGV[1], 'PX', ARGV[2])
  for _, digest in ipairs(redis.call('SMEMBERS', P .. 'tagged:' .. ARGV[i])) do removed = removed + remove(digest) end
end
redis.call('PUBLISH', P .. 'news', cjson.encode({name = ARGV[1], tags = tags}))
return {removed, redis.call('ZRANGEBYSCORE', P .. 'listeners', now() - ARGV[3], '+inf')}
"""
)

BOARD = (
    _COMMON
    + """
local found = look(ARGV[1])
if found then return found end
local flight = P .. 'flight:' .. ARGV[2]
if redis.call('SET', flight, ARGV[3], 'NX', 'PX', ARGV[4]) then return {false, 'yours'} end
return {false, tostring(redis.call('PTTL', flight))}
"""
)

ENLIST = (
    _COMMON
    + """
local t = now()
redis.call('ZADD', P .. 'listeners', t, ARGV[1])
redis.call('ZREMRANGEBYSCORE', P .. 'listeners', '-inf', t - 60000)
for i = 3, #ARGV, 2 do
  local flight = P .. 'flight:' .. ARGV[i]
  if redis.call('GET', flight) == ARGV[i + 1] then redis.call('PEXPIRE', flight, ARGV[2]) end
end
"""
)

LAND = """
local flight = 'pizhu:cache:flight:' .. ARGV[1]
if redis.call('GET', flight) == ARGV[2] then redis.call('DEL', flight) end
redis.call('PUBLISH', 'pizhu:cache:news', ARGV[3])
"""

SETTLE = (
    _COMMON
    + """
prune()
local t = now()
local hour = P .. 'counts:' .. math.floor(t / 3600000)
local last = 2 + 2 * ARGV[2]
for i = 3, last, 2 do
  redis.call('HINCRBY', hour, ARGV[i], ARGV[i + 1])
  redis.call('HINCRBY', P .. 'counts', ARGV[i], ARGV[i + 1])
end
redis.call('EXPIRE', hour, ARGV[1])
for i = last + 1, #ARGV, 2 do
  if redis.call('EXISTS', P .. 'entry:' .. ARGV[i]) == 1 then
    redis.call('ZINCRBY', P .. 'hits', ARGV[i + 1], ARGV[i])
    redis.call('ZADD', P .. 'used', t, ARGV[i])
  end
end
"""
)
