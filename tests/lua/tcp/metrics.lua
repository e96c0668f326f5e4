-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 13: metrics. What a summary shows is checked here, a case each; tags, which it does not show, in
-- tests/unit/script/tcp_tags_test.c and tests/unit/vu/.
local t = require("./lib.lua")
local k6 = require("k6")
local exec = require("k6/execution")

-- Every metric, 0 unless counts says otherwise.
local function exactly(counts)
  for _, name in ipairs({ "tcp_socket_resolving", "tcp_socket_connecting", "tcp_socket_duration", "tcp_sockets",
                          "tcp_reads", "tcp_writes", "tcp_errors", "tcp_timeouts", "tcp_partial_writes", "tcp_tls_handshaking",
                          "tcp_tls_resumed", "data_sent",
                          "data_received" }) do
    counts[name] = counts[name] or 0
  end
  return counts
end

t.case("T-190 nothing is sampled where nothing happens", function()
end, { metrics = exactly({ iterations = 1 }) })

t.case("T-190 a round trip", function()
  local s = t.open("ECHO")
  s:write("hello")
  s:wait("data")
  s:destroy()
end, { metrics = exactly({ tcp_socket_resolving = 1, tcp_socket_connecting = 1, tcp_socket_duration = 1,
       tcp_sockets = 1,
                           tcp_reads = 1, tcp_writes = 1, data_sent = 5, data_received = 5 }) })

t.case("T-190 a refused connection", function()
  pcall(t.connect, t.socket(), "REFUSED")
end, { metrics = exactly({ tcp_socket_resolving = 1, tcp_socket_connecting = 1, tcp_errors = 1 }) })

t.case("T-190 a name that nobody has", function()
  pcall(t.socket().connect, t.socket(), 80, "")
end, { metrics = exactly({ tcp_socket_resolving = 1, tcp_errors = 1 }) })

t.case("T-190 invalid arguments", function()
  local s = t.socket()
  pcall(s.connect, s, true)
  pcall(s.connect, s, 70000)
  pcall(s.write, s, 5)
end, { metrics = exactly({ tcp_errors = 3 }) })

t.case("T-190 no active connection is no error", function()
  local s = t.socket()
  pcall(s.write, s, "x")
end, { metrics = exactly({}) })

t.case("T-190 a peer that ends is none either", function()
  t.open("FIN"):wait("close")
end, { metrics = exactly({ tcp_socket_resolving = 1, tcp_socket_connecting = 1, tcp_sockets = 1,
       tcp_socket_duration = 1 }) })

t.case("T-190 a reset is", function()
  local s = t.open("RST")
  s:write("x")
  s:wait("close")
end, { metrics = exactly({ tcp_socket_resolving = 1, tcp_socket_connecting = 1, tcp_sockets = 1,
       tcp_socket_duration = 1,
                           tcp_writes = 1, tcp_errors = 1, data_sent = 1 }) })

t.case("T-190 reads are counted without a handler", function()
  local s = t.open("BURST", { read_size = 1000 })
  t.eventually(function() return s.bytes_read == 10000 end, "10,000 bytes")
end, { metrics = { tcp_reads = { at_least = 10 }, data_received = 10000, tcp_socket_duration = 1 } })

t.case("T-191 times are fractions of milliseconds, to the nanosecond", function()
  for _ = 1, 20 do
    local s = t.open("ECHO")
    s:destroy()
  end
  -- Twenty whole numbers of milliseconds, or of microseconds, would be a wonder: see the driver's "fraction".
end, { metrics = { tcp_socket_connecting = { count = 20, at_least = 0.001, at_most = 5000, fraction = true },
                   tcp_socket_resolving = { count = 20, at_most = 5000, fraction = true } } })

t.case("T-191 durations are true", function()
  local s = t.open("SILENT")
  k6.sleep(0.2)
  s:destroy()
end, { metrics = { tcp_socket_duration = { count = 1, at_least = 200, at_most = 5000 } } })

t.case("T-192 by the connect handler resolving and connecting were sampled, tcp_sockets follows", function()
  local s = t.socket()
  s:on("connect", function() error("on purpose") end)
  t.connect(s, "ECHO")
end, { after = function() end, uncaught = 1, -- order itself: tests/unit/vu/dial_test.c
       metrics = exactly({ tcp_socket_resolving = 1, tcp_socket_connecting = 1, tcp_sockets = 1 }) })

t.case("T-193 nothing but bytes is sampled after an abort", function()
  local s = t.open("NEVER_READ")
  k6.spawn(function() pcall(s.write, s, ("x"):rep(16 << 20)) end)
  t.eventually(function() return s.bytes_written > 0 end, "the first bytes")
  local other = t.socket()
  k6.spawn(function() pcall(t.connect, other, "BACKLOG") end)
  k6.sleep(0)
  k6.spawn(function() error("on purpose") end)
  k6.sleep(1)
end, { after = function() k6.sleep(0.05) end, uncaught = 1,
       metrics = { tcp_writes = 0, tcp_partial_writes = 0, tcp_socket_duration = 0, tcp_socket_connecting = 1,
           tcp_errors = 0,
                   data_sent = { at_least = 1 } } })

-- Tags: any set of them must leave the sums as they are.
for id, what in pairs({
  ["T-194"] = "resolving, connecting, tcp_sockets", ["T-195"] = "tcp_socket_duration", ["T-196"] = "invalid arguments",
  ["T-197"] = "writes", ["T-198"] = "reads", ["T-199"] = "read errors", ["T-200"] = "timeouts", ["T-201"] = "bytes",
  ["T-202"] = "precedence", ["T-203"] = "values", ["T-204"] = "system tags", ["T-205"] = "metadata",
}) do
  t.case(id .. " sums over all tags: " .. what, function()
    local host, port = t.peer("RST")
    exec.vu.metrics.tags.phase = "one"
    local s = t.socket({ tags = { a = "constructor", host = "mine", proto = "own" } })
    pcall(s.connect, s, "x")
    s:connect({ host = host, port = port, tags = { a = "connect", ip = "mine" } })
    exec.vu.metrics.tags.phase = "two"
    pcall(s.write, s, 5, { tags = { a = "write" } })
    s:write("x", { tags = { a = "write", port = "mine" } })
    s:wait("close")
    local echo = t.open("ECHO", { tags = { a = "echo" } })
    echo:set_timeout(20)
    echo:write("x")
    echo:wait("data")
    echo:wait("timeout")
    echo:destroy()
  end, {
    flags = { "--tag", "run=tag", "--system-tags", id == "T-205" and "vu,iter,scenario" or "" },
    metrics = { tcp_sockets = 2, tcp_socket_resolving = 2, tcp_socket_connecting = 2, tcp_socket_duration = 2,
                tcp_errors = 3, tcp_writes = 2, tcp_reads = 1, data_sent = 2, data_received = 1,
                tcp_timeouts = { at_least = 1 } },
  })
end

options, default, setup, teardown = t.suite()
