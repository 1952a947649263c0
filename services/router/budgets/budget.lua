-- One tenant's counts inside Redis: the rules of `memory_store.py`, in one atomic step.
--
-- KEYS: state (string: the numbers of `state`, then the primary's id), leases (sorted set: hold -> time at
-- which it ends), holds (hash: hold -> its amounts). All three belong to one tenant. Times are the server's,
-- in ms. ARGV[1]: reserve, settle or usage; the other arguments are described at each.
--
-- A script runs anew for each call, so names of fields are places in one array: no text is made for them.

local STATE, LEASES, HOLDS = KEYS[1], KEYS[2], KEYS[3]
local NOW, ANSWERS, NEXT_END, ASKED_AT, HELD = 1, 2, 3, 4, 4 -- HELD: the three places after it
local STARTS, LENGTHS = { 8, 12, 16 }, { 60000, 3600000, 86400000 } -- of a window; the three places after it
local AMOUNTS, PLACES = { HELD, 8, 12, 16 }, 19
local FORMAT = string.rep("%d ", PLACES) .. "%s"
local KEPT_MS = 2 * 86400000 -- longer than any window; unused keys then expire
local SETTLED, SETTLED_FOR_MS = "-", 600000 -- marks a settled hold, so that a settlement that is sent twice counts once
local MARKS_TOGETHER_MS = 10000 -- marks of so long end together
local BUSY_RETRY_MS = 1000
local ENDED_AT_ONCE = 1000 -- a bound, so that no call waits for long
local PRIMARY_FOR_MS = 100 -- the primary's id is asked for once in this time, as that is slow
local NEVER = 2 ^ 52

local state = {} -- whole numbers below 2^53
local primary_id = ""

local function text(number) return string.format("%d", number) end

local function load_state()
  local read = 0
  for value in string.gmatch(redis.call("GET", STATE) or string.rep("0 ", PLACES), "[^ ]+") do
    read = read + 1
    if read > PLACES then primary_id = value else state[read] = tonumber(value) end
  end
  if #state ~= PLACES then error("the counts in " .. STATE .. " cannot be read") end
end

local function save_state()
  state[PLACES + 1] = primary_id
  redis.call("SET", STATE, string.format(FORMAT, unpack(state)), "PX", KEPT_MS)
end

-- Writes holds and the times at which they end, which are the arguments of HSET and ZADD.
local function write_holds(values, ends, first_end)
  if #ends == 0 then return end
  redis.call("HSET", HOLDS, unpack(values))
  redis.call("ZADD", LEASES, unpack(ends))
  redis.call("PEXPIRE", HOLDS, KEPT_MS)
  redis.call("PEXPIRE", LEASES, KEPT_MS)
  state[NEXT_END] = math.min(state[NEXT_END], first_end)
end

-- Replaces a hold by the amount used, in the windows in which the hold was made.
local function settle(value, at, used)
  if value == SETTLED then return end
  local held, answers = { 0, 0, 0 }, 0
  if value then
    local calls, tokens, usd
    at, calls, tokens, usd, answers = string.match(value, "^(%d+) (%d+) (%d+) (%d+) (%d+)$")
    at, held = tonumber(at), { tonumber(calls), tonumber(tokens), tonumber(usd) }
  end
  state[ANSWERS] = state[ANSWERS] - answers
  for i = 1, 3 do state[HELD + i] = state[HELD + i] - held[i] end
  for w = 1, 3 do
    local start = STARTS[w]
    if at - at % LENGTHS[w] == state[start] then
      for i = 1, 3 do state[start + i] = state[start + i] + used[i] - held[i] end
    end
  end
end

-- Ends the holds whose lease is over, and forgets the marks of settled ones.
local function end_leases(now)
  local ended = redis.call("ZRANGEBYSCORE", LEASES, "-inf", text(now), "LIMIT", 0, ENDED_AT_ONCE)
  if #ended > 0 then
    for _, value in ipairs(redis.call("HMGET", HOLDS, unpack(ended))) do settle(value, 0, { 0, 0, 0 }) end
    redis.call("HDEL", HOLDS, unpack(ended))
    redis.call("ZREM", LEASES, unpack(ended))
  end
  local first = redis.call("ZRANGE", LEASES, 0, 0, "WITHSCORES")
  state[NEXT_END] = tonumber(first[2]) or NEVER
end

-- Advances to the current time: opens new windows and ends the holds whose lease is over.
local function move_to_now()
  local time = redis.call("TIME")
  local now = math.max(time[1] * 1000 + math.floor(time[2] / 1000), state[NOW])
  state[NOW] = now
  for w = 1, 3 do
    local place, start = STARTS[w], now - now % LENGTHS[w]
    if state[place] ~= start then
      state[place] = start
      for i = 1, 3 do state[place + i] = 0 end
    end
  end
  if now >= state[NEXT_END] then end_leases(now) end
  return now
end

-- Returns the first resource that would exceed its cap: the caps and the amounts taken stand after a place.
local function refused(caps, after, taken, taken_after, more)
  for i = 1, 3 do
    local cap = caps[after + i]
    if cap >= 0 and more[i] > 0 and taken[taken_after + i] + more[i] > cap then return i end
  end
end

-- Returns the limit that refuses a hold, the time of its reset, and the time to retry.
local function refusal(caps, amount, answers, now)
  for w = 3, 1, -1 do
    local start, after = STARTS[w], 3 * w - 3
    local resource = refused(caps, after, state, start, amount)
    if resource then
      local resets_at, retry_after, settled = state[start] + LENGTHS[w], BUSY_RETRY_MS, {}
      for i = 1, 3 do settled[i] = state[start + i] - state[HELD + i] end
      if refused(caps, after, { 0, 0, 0 }, 0, amount) then
        retry_after = -1
      elseif refused(caps, after, settled, 0, amount) then
        retry_after = resets_at - now
      end
      local window = ({ "per_minute", "per_hour", "per_day" })[w]
      return window .. "." .. ({ "calls", "tokens", "usd" })[resource], resets_at, retry_after
    end
  end
  if caps.answers >= 0 and answers > 0 and state[ANSWERS] + answers > caps.answers then
    return "concurrent_answers", -1, BUSY_RETRY_MS
  end
end

-- Returns the values of the holds that ARGV names, five arguments each from a place on.
local function known_holds(first)
  local ids = {}
  for at = first, #ARGV, 5 do ids[#ids + 1] = ARGV[at] end
  return #ids > 0 and redis.call("HMGET", HOLDS, unpack(ids)) or {}
end

-- ARGV: lease in ms; cap of answers; caps of calls, tokens, usd per minute, per hour, per day (-1: no
-- limit); then id, calls, tokens, usd, answers of each hold.
-- Returns: number of holds made, their time; and the first refusal: limit, time of reset, time to retry.
local function reserve()
  local now = move_to_now()
  local now_text, ends_at = text(now), now + tonumber(ARGV[2])
  local ends_text = text(ends_at)
  local caps = { answers = tonumber(ARGV[3]) }
  for i = 1, 9 do caps[i] = tonumber(ARGV[3 + i]) end
  local made, limit, resets_at, retry_after = 0, "", -1, -1
  local known, values, ends = known_holds(13), {}, {}
  for at = 13, #ARGV, 5 do
    local answers = tonumber(ARGV[at + 4])
    local amount = { tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]) }
    local name, resets, retry = refusal(caps, amount, answers, now)
    if name then
      limit, resets_at, retry_after = name, resets, retry
      break
    end
    made = made + 1
    -- A caller that went away may have settled the hold before this came.
    if not known[made] then
      values[#values + 1], values[#values + 2] = ARGV[at], now_text .. " " .. table.concat(ARGV, " ", at + 1, at + 4)
      ends[#ends + 1], ends[#ends + 2] = ends_text, ARGV[at]
      state[ANSWERS] = state[ANSWERS] + answers
      for _, place in ipairs(AMOUNTS) do
        for i = 1, 3 do state[place + i] = state[place + i] + amount[i] end
      end
    end
  end
  write_holds(values, ends, ends_at)
  save_state()
  return { made, now_text, limit, text(resets_at), text(retry_after) }
end

-- Asks for an id that every primary has of its own, also one that was its replica; empty if it is secret.
local function ask_primary(now)
  if now - state[ASKED_AT] < PRIMARY_FOR_MS then return end
  local info = redis.pcall("INFO", "replication")
  primary_id = type(info) == "string" and string.match(info, "master_replid:(%x+)") or ""
  state[ASKED_AT] = now
end

-- ARGV: id, time of the hold, and calls, tokens, usd used, of each hold. Returns: the primary's id.
local function settle_all()
  local now = move_to_now()
  local mark_ends = now + SETTLED_FOR_MS
  mark_ends = mark_ends + MARKS_TOGETHER_MS - mark_ends % MARKS_TOGETHER_MS
  local ends_text = text(mark_ends)
  local known, values, ends, seen = known_holds(2), {}, {}, {}
  for at = 2, #ARGV, 5 do
    local id, used = ARGV[at], { tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]) }
    if not seen[id] then settle(known[(at + 3) / 5], tonumber(ARGV[at + 1]), used) end
    seen[id] = true
    values[#values + 1], values[#values + 2] = id, SETTLED
    ends[#ends + 1], ends[#ends + 2] = ends_text, id
  end
  write_holds(values, ends, mark_ends)
  ask_primary(now)
  save_state()
  return { primary_id }
end

-- Returns: answers; calls, tokens, usd held; then calls, tokens, usd of each window.
local function usage()
  move_to_now()
  save_state()
  local counts = { text(state[ANSWERS]) }
  for _, place in ipairs(AMOUNTS) do
    for i = 1, 3 do counts[#counts + 1] = text(state[place + i]) end
  end
  return counts
end

load_state()
if ARGV[1] == "reserve" then return reserve() end
if ARGV[1] == "settle" then return settle_all() end
return usage()
