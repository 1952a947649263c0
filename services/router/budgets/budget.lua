-- One tenant's counts inside Redis: the rules of `memory_store.py`, in one atomic step.
--
-- KEYS: counts (hash), leases (sorted set: hold -> time at which it expires), holds (hash: hold -> its
-- amounts). All three belong to one tenant. Times are the server's, in ms.
-- ARGV[1]: reserve, settle or usage; the other arguments are described at each.

local COUNTS, LEASES, HOLDS = KEYS[1], KEYS[2], KEYS[3]
local WINDOWS = { { "per_minute", 60000 }, { "per_hour", 3600000 }, { "per_day", 86400000 } }
local RESOURCES = { "calls", "tokens", "usd" }
local KEPT_MS = 2 * 86400000 -- longer than any window; unused keys then expire
local SETTLED, SETTLED_FOR_MS = "-", 600000 -- marks a settled hold, so that a settlement that is sent twice counts once
local BUSY_RETRY_MS = 1000
local REAPED_AT_ONCE = 1000 -- a bound, so that no call waits for long

local function text(number) return string.format("%.0f", number) end

local state = {} -- the counts by field; all are whole numbers below 2^53

local function load_state()
  local fields = redis.call("HGETALL", COUNTS)
  for i = 1, #fields, 2 do state[fields[i]] = tonumber(fields[i + 1]) end
end

local function save_state()
  local fields = {}
  for field, value in pairs(state) do
    fields[#fields + 1] = field
    fields[#fields + 1] = text(value)
  end
  redis.call("HSET", COUNTS, unpack(fields))
  for _, key in ipairs(KEYS) do redis.call("PEXPIRE", key, KEPT_MS) end
end

local function add(field, value) state[field] = (state[field] or 0) + value end

local function parse_hold(value)
  local at, calls, tokens, usd, answers = string.match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+)$")
  return tonumber(at), { tonumber(calls), tonumber(tokens), tonumber(usd) }, tonumber(answers)
end

-- Replaces a hold by the amount used, in the windows in which the hold was made.
local function settle(id, at, used)
  local value = redis.call("HGET", HOLDS, id)
  if value == SETTLED then return end
  local held, answers = { 0, 0, 0 }, 0
  if value then at, held, answers = parse_hold(value) end
  add("answers", -answers)
  for i, resource in ipairs(RESOURCES) do add("held." .. resource, -held[i]) end
  for _, window in ipairs(WINDOWS) do
    local name, length = window[1], window[2]
    if at - at % length == state[name] then
      for i, resource in ipairs(RESOURCES) do add(name .. "." .. resource, used[i] - held[i]) end
    end
  end
end

-- Advances to the current time: opens new windows and ends the holds whose lease is over.
local function move_to_now()
  local time = redis.call("TIME")
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  now = math.max(now, state.now or 0)
  state.now = now
  for _, window in ipairs(WINDOWS) do
    local name, start = window[1], now - now % window[2]
    if state[name] ~= start then
      state[name] = start
      for _, resource in ipairs(RESOURCES) do state[name .. "." .. resource] = 0 end
    end
  end
  local ended = redis.call("ZRANGEBYSCORE", LEASES, "-inf", text(now), "LIMIT", 0, REAPED_AT_ONCE)
  for _, id in ipairs(ended) do
    settle(id, 0, { 0, 0, 0 })
    redis.call("HDEL", HOLDS, id)
    redis.call("ZREM", LEASES, id)
  end
  return now
end

-- Returns the first resource that would exceed its cap; nil if all of it fits.
local function refused(caps, taken, more)
  for i = 1, #RESOURCES do
    if caps[i] >= 0 and more[i] > 0 and taken[i] + more[i] > caps[i] then return RESOURCES[i] end
  end
end

local function refusal(limits, amount, answers, now)
  for i = #WINDOWS, 1, -1 do
    local name, length = WINDOWS[i][1], WINDOWS[i][2]
    local taken, settled = {}, {}
    for j, resource in ipairs(RESOURCES) do
      taken[j] = state[name .. "." .. resource]
      settled[j] = taken[j] - (state["held." .. resource] or 0)
    end
    local resource = refused(limits[i], taken, amount)
    if resource then
      local resets_at = state[name] + length
      local retry_after = BUSY_RETRY_MS
      if refused(limits[i], { 0, 0, 0 }, amount) then
        retry_after = -1
      elseif refused(limits[i], settled, amount) then
        retry_after = resets_at - now
      end
      return name .. "." .. resource, resets_at, retry_after
    end
  end
  local cap = limits.answers
  if cap >= 0 and answers > 0 and (state.answers or 0) + answers > cap then
    return "concurrent_answers", -1, BUSY_RETRY_MS
  end
end

-- ARGV: lease in ms; cap of answers; caps of calls, tokens, usd per minute, per hour, per day (-1: no
-- limit); then id, calls, tokens, usd, answers of each hold.
-- Returns: number of holds made, their time; and the first refusal: limit, time of reset, time to retry.
local function reserve()
  local now, lease = move_to_now(), tonumber(ARGV[2])
  local limits = { answers = tonumber(ARGV[3]) }
  for i = 1, #WINDOWS do
    local at = 3 * i + 1
    limits[i] = { tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]) }
  end
  local made, limit, resets_at, retry_after = 0, "", -1, -1
  for at = 13, #ARGV, 5 do
    local id, answers = ARGV[at], tonumber(ARGV[at + 4])
    local amount = { tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]) }
    local name, resets, retry = refusal(limits, amount, answers, now)
    if name then
      limit, resets_at, retry_after = name, resets, retry
      break
    end
    local parts = { text(now), text(amount[1]), text(amount[2]), text(amount[3]), text(answers) }
    -- A caller that went away may have settled the hold before this came.
    if redis.call("HSETNX", HOLDS, id, table.concat(parts, " ")) == 1 then
      redis.call("ZADD", LEASES, text(now + lease), id)
      add("answers", answers)
      for i, resource in ipairs(RESOURCES) do
        add("held." .. resource, amount[i])
        for _, window in ipairs(WINDOWS) do add(window[1] .. "." .. resource, amount[i]) end
      end
    end
    made = made + 1
  end
  save_state()
  return { made, text(now), limit, text(resets_at), text(retry_after) }
end

-- Returns an id that every primary has of its own, also one that was its replica; empty if it is secret.
local function primary()
  local info = redis.pcall("INFO", "replication")
  return type(info) == "string" and string.match(info, "master_replid:(%x+)") or ""
end

load_state()
if ARGV[1] == "reserve" then return reserve() end
if ARGV[1] == "settle" then
  -- ARGV: id, time of the hold, and calls, tokens, usd used, of each hold. Returns: the primary's id.
  local now = move_to_now()
  for at = 2, #ARGV, 5 do
    local id, used = ARGV[at], { tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]) }
    settle(id, tonumber(ARGV[at + 1]), used)
    redis.call("HSET", HOLDS, id, SETTLED)
    redis.call("ZADD", LEASES, text(now + SETTLED_FOR_MS), id)
  end
  save_state()
  return { primary() }
end
-- Returns: answers; calls, tokens, usd held; then calls, tokens, usd of each window.
move_to_now()
save_state()
local counts = { text(state.answers or 0) }
for _, name in ipairs({ "held", "per_minute", "per_hour", "per_day" }) do
  for _, resource in ipairs(RESOURCES) do
    counts[#counts + 1] = text(state[name .. "." .. resource] or 0)
  end
end
return counts
