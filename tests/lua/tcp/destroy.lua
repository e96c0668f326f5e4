-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 10: destroy.
local t = require("./lib.lua")
local k6 = require("k6")

local BIG = ("0123456789abcdef"):rep(1 << 20)

t.case("T-170 returns nothing, again and again, whatever its arguments", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "ECHO")
  t.equal(select("#", s:destroy("an error", 5)), 0, "number of results")
  t.equal(select("#", s:destroy({})), 0, "number of results")
  s:destroy()
  s:wait("close")
  t.settle()
  t.equal(seen.text(), "connect close", "events")
end, { metrics = { tcp_errors = 0, tcp_socket_duration = 1 } })

t.case("T-171 the state changes before it returns", function()
  local s = t.open("ECHO")
  s:destroy()
  t.equal(s.ready_state, "destroyed", "ready_state")
  t.equal(s.connected, false, "connected")
  t.equal(s.local_ip, nil, "local_ip")
  t.equal(s.local_port, nil, "local_port")
  t.equal(s.remote_ip, nil, "remote_ip")
  t.equal(s.remote_port, nil, "remote_port")
end)

t.case("T-172 what the kernel has accepted is still sent", function()
  local s = t.open("SINK")
  s:write(("x"):rep(100000))
  s:destroy()
  s:wait("close")
end, { metrics = { data_sent = 100000 },
       server = { SINK = { accepted = 1, bytes_in = 100000, resets = 0, closed = 1 } } })

t.case("T-173 pending writes fail", function()
  local s = t.open("NEVER_READ")
  local seen, failures = t.watch(s), {}
  for i = 1, 3 do
    k6.spawn(function()
      local _, e = pcall(s.write, s, i == 1 and BIG or "behind it")
      failures[#failures + 1] = e
    end)
  end
  t.settle()
  s:destroy()
  t.eventually(function() return #failures == 3 end, "three failures")
  for i = 1, 3 do
    t.is_error(failures[i], { method = "write", code = "ECANCELED" })
  end
  t.eventually(function() return seen.close end, "close")
  t.equal(seen.text(), "close", "events")
end, { metrics = { tcp_writes = 3, tcp_errors = 0, tcp_partial_writes = 1 } })

t.case("T-174 close, tcp_socket_duration, and the iteration may end", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "SILENT")
  k6.sleep(0.05)
  s:destroy()
  t.eventually(function() return seen.close end, "close")
end, { metrics = { tcp_socket_duration = { count = 1, at_least = 50, at_most = 5000 }, iterations = 1 } })

t.case("T-174 no duration where no connection was held", function()
  local s = t.socket()
  local seen = t.watch(s)
  s:destroy()
  t.eventually(function() return seen.close end, "close")
end, { metrics = { tcp_socket_duration = 0, tcp_errors = 0 } })

t.case("T-175 in every handler", function()
  local peers = { connect = "ECHO", data = "BURST", timeout = "SILENT", close = "FIN" }
  for event, peer in pairs(peers) do
    local s = t.socket()
    local fired, closed
    s:on(event, function()
      s:destroy()
      t.equal(s.ready_state, "destroyed", "ready_state in " .. event)
      fired = true
    end)
    if event ~= "close" then
      s:on("close", function() closed = true end)
    end
    s:set_timeout(event == "timeout" and 10 or 0)
    t.connect(s, peer)
    t.eventually(function() return fired and (closed or event == "close") end, "close after " .. event)
  end
  local s = t.socket()
  local seen = t.watch(s)
  s:on("error", function() s:destroy() end)
  t.refused({ code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
  t.equal(s.ready_state, "destroyed", "ready_state after error")
  s:wait("close")
  t.equal(seen.text(), "close", "events")
end, { metrics = { tcp_socket_duration = 4 } })

t.case("T-176 invalid arguments after destroy raise, without an event", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "ECHO")
  s:destroy()
  s:wait("close")
  t.refused({ method = "write", code = "EINVAL", has = "invalid type" }, s.write, s, 5)
  t.refused({ method = "write", has = "unsupported encoding" }, s.write, s, "x", { encoding = "latin1" })
  t.refused({ method = "connect", code = "EINVAL", has = "invalid type" }, s.connect, s, true)
  t.settle()
  t.equal(seen.text(), "connect close", "events")
end, { metrics = { tcp_errors = 3 } })

options, default, setup, teardown = t.suite()
