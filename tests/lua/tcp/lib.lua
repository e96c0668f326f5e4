-- SPDX-License-Identifier: GPL-3.0-or-later
-- The test library of the conformance suite. A file declares its cases and ends with
--
--   options, default, setup, teardown = t.suite()
--
-- A case is t.case(name, body [, outside]); body runs in an iteration of its own and raises where something
-- is wrong. One line a case is logged: "ok NAME" or "not ok NAME : why".
--
-- outside: what the driver (tests/system/tcp_conformance_test.py) does and checks, all optional:
--   after     function: runs in the VU's next iteration, which then reports
--   setup, teardown   functions of the run
--   options   run options of this case; flags: command-line words (a list); env: more of __ENV
--   system    environment variables of the process
--   metrics   { name = count } or { name = { count =, at_least =, at_most = , fraction = true, fails = } }
--   log       list of { has =, with = FIELD, FIELD = value ..., times = 1 }: how often such lines come; at_least
--             and at_most in place of times
--   quiet     true: no line with module=tcp
--   uncaught  how many errors nobody catches are logged (0); then errors of body are not caught either, and
--             after is what reports
--   server    { PEER = { COUNT = value } }: a peer of the case's own, and what it has counted
--   dns       { records = { NAME = { A = {ip ...} } }, listen = {ip ...}, port = }: a network of its own, see
--             tests/support/dns_stub.py; etc_hosts: more lines of /etc/hosts; asked, accepted: what that has counted
--   every     true: body runs in each iteration, not in the first only
--   alone     true: not together with others
--   code      exit code (0); seconds: how long the run may take; lasts: how long it does at least
--
-- With -e ONLY=NAME one case runs; without, all that need nothing from outside do, each in a VU of its own.
-- -e LIST=1 logs the cases as JSON, for the driver.
local k6 = require("k6")
local tcp = require("k6/x/tcp")

local t = {}
local cases = {}
local slowdown = tonumber(__ENV.SLOWDOWN or "1")
local current, reported, opened -- of this VU: the case, whether a line was logged, its sockets

function t.case(name, body, outside)
  cases[#cases + 1] = { name = name, body = body, outside = outside or {} }
end

-- --- Saying what is wrong ---

local function text(value)
  if type(value) == "string" then
    return #value > 100 and ("%q... (%d bytes)"):format(value:sub(1, 80), #value) or ("%q"):format(value)
  elseif type(value) == "table" and getmetatable(value) == nil then
    return json.encode(value)
  end
  return tostring(value)
end

function t.fail(...)
  local words = { ... }
  for i = 1, #words do
    words[i] = tostring(words[i])
  end
  error(table.concat(words, " "), 2)
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b and math.type(a) == math.type(b)
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

-- Tables by content.
function t.equal(actual, expected, what)
  if not same(actual, expected) then
    error(("%s is %s and not %s"):format(what or "it", text(actual), text(expected)), 2)
  end
end

function t.yes(value, what)
  if not value then
    error(what or "that is false", 2)
  end
  return value
end

function t.has(actual, part, what)
  if not tostring(actual):find(part, 1, true) then
    error(("%s is %s, without %q"):format(what or "it", text(tostring(actual)), part), 2)
  end
end

-- fn raises an ordinary error, a string; gives it.
function t.raises(part, fn, ...)
  local ok, why = pcall(fn, ...)
  if ok then
    error("no error was raised", 2)
  elseif type(why) ~= "string" then
    error("not an ordinary error: " .. tostring(why), 2)
  elseif not why:find(part, 1, true) then
    error(("the error is %q, without %q"):format(why, part), 2)
  end
  return why
end

-- e is a TCPError with these fields; has: a part of its message.
function t.is_error(e, expected)
  if getmetatable(e) ~= tcp.TCPError then
    error("not a TCPError: " .. text(e), 2)
  end
  for key, value in pairs(expected) do
    if key == "has" then
      t.has(e.message, value, "the message")
    elseif e[key] ~= value then
      error(("%s of (%s) is %s and not %s"):format(key, tostring(e), text(e[key]), text(value)), 2)
    end
  end
  return e
end

-- fn(...) raises such a TCPError; gives it.
function t.refused(expected, fn, ...)
  local results = table.pack(pcall(fn, ...))
  if results[1] then
    error("no error was raised", 2)
  end
  return t.is_error(results[2], expected)
end

-- --- Time ---

local exec = require("k6/execution")

-- Seconds since the run began.
function t.now()
  return exec.instance.currentTestRunDuration / 1000
end

-- The first true value of fn(); fails after some seconds.
function t.eventually(fn, what, seconds)
  local tries = math.ceil((seconds or 5) * slowdown / 0.005)
  for _ = 1, tries do
    local value = fn()
    if value then
      return value
    end
    k6.sleep(0.005)
  end
  error("waited in vain" .. (what and ": " .. what or ""), 2)
end

-- What has been going on in a turn of the loop is over.
function t.settle()
  k6.sleep(0)
  k6.sleep(0.02 * slowdown)
  k6.sleep(0)
end

t.slowdown = slowdown

-- --- Sockets and peers ---

-- host, port (a string) of a peer.
function t.peer(name)
  return t.yes(__ENV[name .. "_HOST"], "no peer " .. name), __ENV[name .. "_PORT"]
end

-- A socket that is destroyed at the end of the case.
function t.socket(options)
  local s = tcp.Socket.new(options)
  opened[#opened + 1] = s
  return s
end

function t.connect(s, peer)
  local host, port = t.peer(peer)
  s:connect(port, host)
  return s
end

-- A new one, connected.
function t.open(peer, options)
  return t.connect(t.socket(options), peer)
end

-- Record what happens to s: list of "connect", "data", "timeout", "error CODE", "close"; .data: all bytes, .chunks:
-- their sizes, .errors.
function t.watch(s)
  local seen = { data = "", chunks = {}, errors = {}, list = {} }
  for _, event in ipairs({ "connect", "timeout", "close" }) do
    s:on(event, function()
      seen.list[#seen.list + 1] = event
      seen[event] = (seen[event] or 0) + 1
    end)
  end
  s:on("data", function(data)
    if seen.list[#seen.list] ~= "data" then
      seen.list[#seen.list + 1] = "data"
    end
    seen.data = seen.data .. data
    seen.chunks[#seen.chunks + 1] = #data
  end)
  s:on("error", function(e)
    seen.list[#seen.list + 1] = "error " .. tostring(e.code)
    seen.errors[#seen.errors + 1] = e
  end)
  function seen.text()
    return table.concat(seen.list, " ")
  end
  return seen
end

-- --- Running ---

local function report(ok, why)
  reported = true
  if ok then
    print("ok " .. current.name)
  else
    print("not ok " .. current.name .. " : " .. tostring(why))
  end
end

-- For bodies that do not come to an end of their own: what follows is not of this case.
function t.ok()
  report(true)
end

local function run_case()
  if current.outside.uncaught then
    current.body()
    return
  end
  local ok, why = pcall(current.body)
  for _, s in ipairs(opened) do
    s:destroy()
  end
  if not ok then
    report(false, why)
  elseif not current.outside.after and not reported then
    report(true)
  end
end

local function run_after()
  if reported or not current.outside.after then
    return
  end
  report(pcall(current.outside.after))
end

-- Does the case need a run of its own?
local function is_alone(case)
  for _, key in ipairs({ "options", "flags", "setup", "teardown", "env", "code", "system", "uncaught", "dns",
                         "alone" }) do
    if case.outside[key] then
      return true
    end
  end
  return false
end

local function chosen()
  local list = {}
  for _, case in ipairs(cases) do
    if __ENV.ONLY == case.name or (__ENV.ONLY == nil and not is_alone(case)) then
      list[#list + 1] = case
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end) -- the same order in each Lua state
  return list
end

local function list_cases()
  local list = json.array({})
  for _, case in ipairs(cases) do
    local entry = { name = case.name, alone = is_alone(case) }
    for key, value in pairs(case.outside) do
      if type(value) ~= "function" and key ~= "options" and key ~= "alone" then
        entry[key] = value
      end
    end
    list[#list + 1] = entry
  end
  print("cases " .. json.encode(list))
end

function t.suite()
  if __ENV.LIST then
    return { vus = 1, iterations = 1 }, list_cases
  end
  local list = chosen()
  local scenario = {
    executor = "per-vu-iterations", vus = #list, iterations = 2,
    maxDuration = ("%ds"):format(10 * slowdown), gracefulStop = "0s",
  }
  local options = { scenarios = { cases = scenario }, summaryTrendStats = { "min", "max", "count" } }
  local only = __ENV.ONLY and list[1].outside or {}
  if __ENV.ONLY and not only.after then
    scenario.iterations = 1
  end
  for key, value in pairs(only.options or {}) do
    options[key] = value
  end
  return options, function(data)
    current = list[(__VU - 1) % #list + 1]
    if __ITER == 0 or current.outside.every then
      opened, t.data = {}, data
      run_case()
    else
      run_after()
    end
  end, only.setup, only.teardown
end

return t
