-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 12: the end of an iteration, stop, failures.
local t = require("./lib.lua")
local k6 = require("k6")
local tcp = require("k6/x/tcp")

local BIG = ("0123456789abcdef"):rep(1 << 20)
local state = {} -- of the VU: lasts from one iteration to the next

-- A run that is over after a second, with what is under way in it.
local function stopped(graceful)
  local s = { executor = "constant-vus", vus = 1, duration = "1s", gracefulStop = graceful or "0s" }
  return { scenarios = { s = s } }
end

t.case("T-180 the iteration goes on while a socket is open", function()
  local s = tcp.Socket.new()
  s:on("data", function(data)
    state.data = data
    k6.sleep(0.1)
    s:destroy()
  end)
  s:on("close", function()
    k6.sleep(0.05)
    state.closed = true
  end)
  t.connect(s, "ECHO")
  s:write("x")
end, { after = function()
  t.equal(state.data, "x", "data")
  t.equal(state.closed, true, "the tail of the close handler has run")
end, metrics = { iterations = 2, iteration_duration = { count = 2, at_most = 5000 },
    tcp_socket_duration = { count = 1, at_least = 100 } },
     lasts = 0.15 })

t.case("T-180 and while coroutines, writes and timers go on", function()
  k6.spawn(function()
    k6.sleep(0.1)
    state.slept = true
    local s <close> = t.connect(tcp.Socket.new(), "ECHO")
    k6.spawn(function()
      s:write("x")
      state.written = true
    end)
    k6.sleep(0.05)
    state.done = true
  end)
end, { after = function() t.equal(state, { slept = true, written = true, done = true }, "what has happened") end,
       lasts = 0.15 })

t.case("T-181 an undestroyed socket keeps it running until the stop", function()
  t.connect(tcp.Socket.new(), "SILENT")
  t.ok()
  state.socket = true
end, { options = stopped(), lasts = 1, seconds = 5,
       metrics = { iterations = 0, iteration_duration = 0, tcp_sockets = 1, tcp_socket_duration = 0, tcp_errors = 0 } })

t.case("T-182 a socket without connection does not", function()
  local never, failed = tcp.Socket.new(), tcp.Socket.new()
  t.refused({ code = "ECONNREFUSED" }, t.connect, failed, "REFUSED")
  failed:set_timeout(10)
  never:on("close", function() t.fail("closed") end)
end, { metrics = { iterations = 1, tcp_errors = 1 }, seconds = 3 })

t.case("T-182 an undelivered event does", function()
  local s = tcp.Socket.new()
  s:on("close", function() state.closed = true end)
  s:destroy()
end, { after = function() t.equal(state.closed, true, "the close handler has run") end })

t.case("T-183 sockets work in gracefulStop", function()
  if __ITER == 0 then
    k6.sleep(1.1)
    local s = t.open("ECHO")
    s:write("late")
    t.equal(select(2, s:wait("data")), "late", "the echo")
  end
end, { options = stopped("10s"), every = true, lasts = 1.1,
       metrics = { iterations = 1, tcp_sockets = 1, data_received = 4 } })

t.case("T-184 an uncaught failure aborts the iteration, which counts", function()
  local s = tcp.Socket.new()
  s:on("error", function() state.handled = true end)
  t.connect(s, "REFUSED")
  state.went_on = true
end, { after = function()
  t.equal(state.handled, true, "the error handler has run")
  t.equal(state.went_on, nil, "what comes after has run")
end, uncaught = 1, metrics = { iterations = 2, iteration_duration = 2, tcp_errors = 1 },
     log = { { level = "error", source = "stacktrace", has = "TCP error during connect" } } })

t.case("T-184 no handler starts after the abort", function()
  local a, b = tcp.Socket.new({ read_size = 100 }), tcp.Socket.new()
  a:on("data", function()
    state.chunks = (state.chunks or 0) + 1
    b:destroy()
    error("on purpose")
  end)
  a:on("close", function() state.closed = true end)
  b:on("close", function() state.closed = true end)
  t.connect(b, "ECHO")
  t.connect(a, "BURST")
  k6.sleep(1)
  state.went_on = true
end, { after = function()
  t.settle()
  t.equal(state, { chunks = 1 }, "what has happened")
end, uncaught = 1, metrics = { iterations = 2 } })

t.case("T-185 an abort closes its sockets, and they are destroyed ever after", function()
  state.socket, state.opening = tcp.Socket.new(), tcp.Socket.new()
  for _, event in ipairs({ "close", "error", "data", "timeout" }) do
    state.socket:on(event, function() state.fired = event end)
  end
  state.socket:set_timeout(10)
  t.connect(state.socket, "NEVER_READ")
  k6.spawn(function()
    local guard <close> = setmetatable({}, { __close = function() state.unwound = true end })
    pcall(state.socket.write, state.socket, BIG)
    state.resumed = true
  end)
  k6.spawn(function()
    local host, port = t.peer("BACKLOG")
    pcall(state.opening.connect, state.opening, port, host)
    state.resumed = true
  end)
  k6.sleep(0)
  error("on purpose")
end, { after = function()
  t.equal(state.socket.ready_state, "destroyed", "ready_state")
  t.equal(state.opening.ready_state, "destroyed", "ready_state of the opening one")
  t.equal(state.socket.remote_ip, nil, "remote_ip")
  t.refused({ code = "ENOTCONN" }, state.socket.write, state.socket, "x")
  t.refused({ code = "EDESTROYED" }, t.connect, state.socket, "ECHO")
  state.socket:set_timeout(5)
  state.socket:destroy()
  t.settle()
  t.equal(state.fired, nil, "events")
  t.equal(state.resumed, nil, "a waiting call came back")
  t.equal(state.unwound, true, "to-be-closed variables were closed")
end, uncaught = 1, metrics = { tcp_socket_duration = 0, tcp_writes = 0, tcp_errors = 1 },
     server = { NEVER_READ = { accepted = 1 } } })

t.case("T-185 a stop closes them at once", function()
  local s = tcp.Socket.new()
  s:on("close", function() t.fail("closed") end)
  t.connect(s, "SILENT")
  local guard <close> = setmetatable({}, { __close = function() print("unwound") end })
  t.ok()
  s:write("x")
  s:wait("data")
  t.fail("it was resumed")
end, { options = stopped(), lasts = 1, seconds = 4,
       metrics = { tcp_socket_duration = 0, tcp_errors = 0, data_sent = 1 },
       server = { SILENT = { accepted = 1, bytes_in = 1, open = 0 } } })

t.case("T-186 a dial pending at the stop leaves nothing", function()
  local s = tcp.Socket.new()
  s:on("error", function() t.fail("an event") end)
  t.ok()
  local ok, e = pcall(t.connect, s, "BACKLOG")
  t.fail("it was resumed", ok, e)
end, { options = stopped(), lasts = 1, seconds = 4, quiet = true,
       metrics = { tcp_errors = 0, tcp_socket_connecting = 0, tcp_sockets = 0, iterations = 0 } })

t.case("T-187 bytes are counted at the end of each iteration, also where nothing else is", function()
  local s = tcp.Socket.new()
  t.connect(s, "ECHO")
  s:write("12345")
  t.eventually(function() return s.bytes_read == 5 end, "the echo")
  error("on purpose")
end, { after = function() end, uncaught = 1, metrics = { data_sent = 5, data_received = 5, iterations = 2 } })

t.case("T-187 of an interrupted iteration", function()
  local s = t.connect(tcp.Socket.new(), "SILENT")
  s:write("1234567")
  t.ok()
end, { options = stopped(), metrics = { data_sent = 7, data_received = 0, iterations = 0 } })

t.case("T-187 of setup and teardown", function() end, {
  setup = function()
    local s <close> = t.connect(tcp.Socket.new(), "SILENT")
    s:write("123")
  end,
  teardown = function()
    local s <close> = t.connect(tcp.Socket.new(), "SILENT")
    s:write("4567")
  end,
  metrics = { data_sent = 7, iterations = 1 },
})

t.case("T-188 a socket cannot be carried into the next iteration", function()
  state.socket = tcp.Socket.new()
  t.connect(state.socket, "SILENT")
  k6.spawn(function()
    k6.sleep(0.05)
    state.socket:destroy()
  end)
end, { after = function() t.equal(state.socket.ready_state, "destroyed", "ready_state") end, lasts = 0.05 })

t.case("T-188 not even one that was never connected is of another iteration", function()
  state.socket = tcp.Socket.new()
end, { after = function()
  local ok = pcall(t.connect, state.socket, "ECHO") -- works or is refused, but never hangs nor crashes
  state.socket:destroy()
  t.equal(state.socket.ready_state, "destroyed", "ready_state after " .. tostring(ok))
end })

t.case("T-189 a failure in a spawned coroutine is an uncaught one", function()
  local s = tcp.Socket.new()
  k6.spawn(function() t.connect(s, "REFUSED") end)
  k6.sleep(0.5)
  state.went_on = true
end, { after = function() t.equal(state.went_on, nil, "what comes after has run") end,
       uncaught = 1, metrics = { iterations = 2, tcp_errors = 1 } })

t.case("T-189 a write, too; and a caught one is none", function()
  local s = tcp.Socket.new()
  k6.spawn(function() pcall(s.write, s, "x") end)
  k6.sleep(0.02)
  state.first = true
  k6.spawn(function() s:write("x") end)
  k6.sleep(0.5)
  state.went_on = true
end, { after = function()
  t.equal(state.first, true, "after a caught failure it goes on")
  t.equal(state.went_on, nil, "what comes after has run")
end, uncaught = 1, metrics = { iterations = 2, tcp_errors = 0 },
     log = { { source = "stacktrace", has = "no active connection" } } })

options, default, setup, teardown = t.suite()
