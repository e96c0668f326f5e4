-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 9: set_timeout. Lower bounds are exact, upper ones generous.
local t = require("./lib.lua")
local k6 = require("k6")

-- A connection on which nothing comes, with the times of its timeouts since it was opened.
local function idle(ms)
  local s = t.open("SILENT")
  local times = {}
  s:on("timeout", function() times[#times + 1] = t.now() end)
  local begin = t.now()
  if ms then
    s:set_timeout(ms)
  end
  return s, times, begin
end

t.case("T-160 it returns the socket, in every state", function()
  local s = t.socket()
  t.equal(s:set_timeout(100), s, "the result, disconnected")
  t.equal(s:setTimeout(100):set_timeout(0), s, "the result of a chain")
  t.connect(s, "ECHO")
  t.equal(s:set_timeout(100), s, "the result, open")
  s:destroy()
  t.equal(s:set_timeout(100), s, "the result, destroyed")
  local opening = t.socket()
  local host, port = t.peer("BACKLOG")
  k6.spawn(function() pcall(opening.connect, opening, port, host) end)
  t.settle()
  t.equal(opening.ready_state, "opening", "ready_state")
  t.equal(opening:set_timeout(100), opening, "the result, opening")
end)

t.case("T-161 numbers and numeric strings; fractions are dropped", function()
  local s, times, begin = idle("30")
  t.eventually(function() return times[1] end, "a timeout of 30 ms")
  t.yes(times[1] - begin >= 0.0299, "too early")
  s, times, begin = idle(1.9)
  t.eventually(function() return times[1] end, "a timeout of 1 ms")
  t.yes(times[1] - begin >= 0.0009, "too early")
  s:set_timeout(0)
end)

t.case("T-161 nothing, nil, zero, negative, non-numeric: off", function()
  local sockets = {}
  for i, argument in ipairs({ 0, -5, 0.9, "soon", "", 0 / 0, -math.huge }) do
    local s, times = idle(5)
    s:set_timeout(argument)
    sockets[i] = { s, times, tostring(argument) }
  end
  local s, times = idle(5)
  s:set_timeout()
  sockets[#sockets + 1] = { s, times, "nothing" }
  s, times = idle(5)
  s:set_timeout(nil)
  sockets[#sockets + 1] = { s, times, "nil" }
  s, times = idle()
  sockets[#sockets + 1] = { s, times, "by default" }
  local before = {}
  for i, each in ipairs(sockets) do
    before[i] = #each[2]
  end
  k6.sleep(0.1)
  for i, each in ipairs(sockets) do
    t.equal(#each[2], before[i], "timeouts after " .. each[3])
  end
end)

t.case("T-161 other types are argument errors", function()
  local s = t.socket()
  for _, wrong in ipairs({ true, false, {}, print }) do
    t.raises("bad argument", s.set_timeout, s, wrong)
  end
end)

t.case("T-162 set before connect, it starts when the socket opens", function()
  local s = t.socket()
  local fired, opened
  s:on("timeout", function() fired = fired or t.now() end)
  s:on("connect", function() opened = t.now() end)
  s:set_timeout(50)
  k6.sleep(0.12)
  t.equal(fired, nil, "a timeout of a disconnected socket")
  t.connect(s, "SILENT")
  t.eventually(function() return fired end, "the timeout")
  t.yes(fired - opened >= 0.049, "too early")
end)

t.case("T-162 it does not cover connecting", function()
  local s = t.socket()
  local seen = t.watch(s)
  local host, port = t.peer("BACKLOG")
  s:set_timeout(10)
  t.refused({ code = "ETIMEDOUT" }, s.connect, s, { host = host, port = port, timeout = 120 })
  t.equal(seen.timeout, nil, "timeout events")
end, { metrics = { tcp_timeouts = 0 } })

t.case("T-163 writes do not restart it", function()
  local s, times, begin = idle(150)
  k6.spawn(function()
    for _ = 1, 1000 do
      if times[1] then
        return
      end
      s:write("x")
      k6.sleep(0.02)
    end
  end)
  t.eventually(function() return times[1] end, "the timeout")
  t.yes(times[1] - begin >= 0.149, "too early")
  t.yes(s.bytes_written > 1, "nothing was written meanwhile")
end)

t.case("T-163 received data restarts it", function()
  local s = t.socket()
  local last, gap
  s:on("data", function() last = t.now() end)
  s:on("timeout", function() gap = gap or t.now() - last end)
  t.connect(s, "ECHO")
  last = t.now()
  s:set_timeout(250)
  for _ = 1, 20 do
    s:write("x")
    k6.sleep(0.02)
  end
  t.yes(gap == nil or gap >= 0.24, "a timeout though data came")
  t.eventually(function() return gap end, "the timeout")
  t.yes(gap >= 0.24, ("it fired %.3f s after data"):format(gap))
end)

t.case("T-163 each call restarts it", function()
  local s, times, last = idle(200)
  for _ = 1, 15 do
    k6.sleep(0.02)
    if times[1] then
      break
    end
    last = t.now()
    s:set_timeout(200)
  end
  t.eventually(function() return times[1] end, "the timeout")
  t.yes(times[1] - last >= 0.199, "too early")
end)

t.case("T-164 it repeats", function()
  local s, times, begin = idle(40)
  t.eventually(function() return #times >= 3 end, "three timeouts")
  t.yes(times[3] - begin >= 0.119, "the third is too early")
  s:set_timeout(0)
  local count = #times
  k6.sleep(0.1)
  t.equal(#times, count, "timeouts")
end)

t.case("T-165 it leaves the socket open", function()
  local s = t.socket()
  local seen = t.watch(s)
  s:set_timeout(20)
  t.connect(s, "ECHO")
  t.eventually(function() return seen.timeout end, "the timeout")
  t.equal(s.ready_state, "open", "ready_state")
  s:write("hello")
  t.eventually(function() return seen.data == "hello" end, "the echo")
  t.equal(#seen.errors, 0, "errors")
end, { metrics = { tcp_errors = 0, tcp_timeouts = { at_least = 1 } } })

t.case("T-166 a new value counts from now", function()
  local s, times = idle(10000)
  k6.sleep(0.05)
  local begin = t.now()
  s:set_timeout(40)
  t.eventually(function() return times[1] end, "the timeout")
  t.yes(times[1] - begin >= 0.039, "too early")
end)

t.case("T-166 none is raised after it was switched off", function()
  for i = 1, 30 do
    local s, times = idle(3)
    k6.sleep(0.002 + i % 3 * 0.001)
    s:set_timeout(0)
    local count = #times
    k6.sleep(0.008)
    t.equal(#times, count, "timeouts after it was switched off")
    s:destroy()
  end
end)

t.case("T-167 each expiry is counted, with handler", function()
  local s, times = idle(20)
  t.eventually(function() return #times >= 3 end, "timeouts")
  s:destroy()
end, { metrics = { tcp_timeouts = { at_least = 3 }, tcp_errors = 0 } })

t.case("T-167 and without", function()
  local s = t.open("SILENT")
  s:set_timeout(10)
  k6.sleep(0.1)
  s:destroy()
end, { metrics = { tcp_timeouts = { at_least = 1 }, tcp_errors = 0 } })

t.case("T-168 a slow handler does not hold the clock", function()
  local s = t.open("SILENT")
  local begun, ended = 0, 0
  s:on("timeout", function()
    begun = begun + 1
    k6.sleep(0.3)
    ended = ended + 1
  end)
  s:set_timeout(30)
  t.eventually(function() return begun >= 3 end, "three timeouts")
  t.yes(ended < 3, "they waited for each other")
end)

options, default, setup, teardown = t.suite()
