-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 7: on, events, their order.
local t = require("./lib.lua")
local k6 = require("k6")
local tcp = require("k6/x/tcp")

t.case("T-120 on returns nothing", function()
  local s = t.socket()
  for _, event in ipairs({ "connect", "data", "timeout", "error", "close" }) do
    t.equal(select("#", s:on(event, function() end)), 0, "number of results of " .. event)
  end
end, { quiet = true })

t.case("T-121 a later handler replaces the earlier, with a warning", function()
  local s = t.socket()
  local calls = {}
  s:on("connect", function() calls[#calls + 1] = "first" end)
  s:on("connect", function() calls[#calls + 1] = "second" end)
  t.connect(s, "ECHO")
  t.equal(calls, { "second" }, "calls")
  t.equal(s.once, nil, "once")
  t.equal(s.off, nil, "off")
end, { log = { { level = "warning", module = "tcp", event = "connect" } } })

t.case("T-122 an unknown event is ignored, with a warning", function()
  local s = t.socket()
  for _, event in ipairs({ "end", "drain", "Connect", "" }) do
    t.equal(select("#", s:on(event, function() error("called") end)), 0, "number of results")
  end
  t.connect(s, "FIN")
  s:wait("close")
end, { log = { { level = "warning", module = "tcp", event = "end" },
               { level = "warning", module = "tcp", event = "drain" },
               { level = "warning", module = "tcp", event = "Connect" } } })

t.case("T-123 handlers that are no functions", function()
  local s = t.socket()
  for _, wrong in ipairs({ 5, "text", true, {}, s }) do
    t.raises("bad argument", s.on, s, "data", wrong)
  end
  t.raises("bad argument", s.on, s, 5, print)
  t.raises("bad argument", s.on, s, nil, print)
  local called
  s:on("connect", setmetatable({}, { __call = function() called = true end }))
  t.connect(s, "ECHO")
  t.equal(called, true, "a callable table was called")
end, { quiet = true })

t.case("T-124 nil is no handler", function()
  local s = t.socket()
  t.raises("bad argument", s.on, s, "data", nil)
  t.raises("bad argument", s.on, s, "data")
end, { quiet = true })

t.case("T-125 an event without handler is lost", function()
  local s = t.socket()
  t.connect(s, "ECHO")
  s:write("lost")
  t.eventually(function() return s.bytes_read == 4 end, "the echo")
  local seen = t.watch(s)
  s:write("seen")
  t.eventually(function() return s.bytes_read == 8 end, "the echo")
  t.settle()
  t.equal(seen.data, "seen", "data")
  t.equal(seen.connect, nil, "connect events")
end, { metrics = { tcp_reads = { at_least = 2 }, data_received = 8 } })

t.case("T-125 the handler is chosen when the event is raised", function()
  local late, replaced = t.socket(), t.socket()
  local calls = {}
  late:destroy()
  late:on("close", function() calls[#calls + 1] = "late" end)
  replaced:on("close", function() calls[#calls + 1] = "old" end)
  replaced:destroy()
  replaced:on("close", function() calls[#calls + 1] = "new" end)
  t.eventually(function() return calls[1] end, "a close event")
  t.settle()
  t.equal(calls, { "old" }, "calls")
end)

t.case("T-126 no error handler is not fatal", function()
  local s = t.socket()
  t.refused({ code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
  t.connect(s, "RST")
  s:write("x")
  s:wait("close")
  t.equal(s.ready_state, "destroyed", "ready_state")
end, { metrics = { tcp_errors = 2 },
       log = { { level = "error", module = "tcp", method = "connect" },
               { level = "error", module = "tcp", method = "read" } } })

t.case("T-127 handlers get no receiver, and their results go nowhere", function()
  local s = t.socket()
  local got = {}
  local function handler(event, result)
    s:on(event, function(...)
      got[event] = select("#", ...)
      return result, s, false
    end)
  end
  handler("connect", false)
  handler("data", true)
  handler("close", nil)
  t.connect(s, "FIN_AFTER_REPLY")
  s:write("x")
  s:wait("close")
  t.equal(got, { connect = 0, data = 1, close = 0 }, "numbers of arguments")
end)

t.case("T-128 one at a time, never inside of other code", function()
  local s = t.socket()
  local running, nested, calls = false, false, 0
  s:on("data", function()
    nested = nested or running
    running = true
    local sum = 0
    for i = 1, 2000 do
      sum = sum + i
    end
    running = false
    calls = calls + 1
  end)
  t.connect(s, "ECHO")
  for i = 1, 20 do
    s:write("x")
    local before = calls
    for _ = 1, 20000 do end
    t.equal(calls, before, "calls within other code, round " .. i)
  end
  t.eventually(function() return s.bytes_read == 20 end, "all echoes")
  t.equal(nested, false, "a handler inside of another")
end)

t.case("T-128 a handler that waits does not hold back later events", function()
  local s = t.socket()
  local order = {}
  s:on("data", function(data)
    order[#order + 1] = "begin " .. data
    if data == "a" then
      t.eventually(function() return order[2] end, "the second handler")
    end
    order[#order + 1] = "end " .. data
  end)
  t.connect(s, "ECHO")
  s:write("a")
  t.eventually(function() return order[1] end, "the first handler")
  s:write("b")
  t.eventually(function() return #order == 4 end, "both ends")
  t.equal(order, { "begin a", "begin b", "end b", "end a" }, "the order")
end)

t.case("T-129 data is a string of the script's own", function()
  local s = t.socket()
  local kept = {}
  s:on("data", function(data) kept[#kept + 1] = data end)
  t.connect(s, "ECHO")
  for i = 1, 10 do
    s:write(("%c\0\xff"):format(i + 64):rep(100))
    t.eventually(function() return s.bytes_read == i * 300 end, "the echo")
  end
  t.settle()
  local all = table.concat(kept)
  for i = 1, 10 do
    t.equal(type(kept[1]), "string", "the type")
    t.yes(all:sub((i - 1) * 300 + 1, i * 300) == ("%c\0\xff"):format(i + 64):rep(100), "piece " .. i .. " has changed")
  end
end)

local state = {}

t.case("T-130 a handler that fails aborts the iteration", function()
  local s = tcp.Socket.new()
  s:on("connect", function() error("on purpose") end)
  t.connect(s, "ECHO")
  state.went_on = true
  s:wait("close")
end, { after = function() t.equal(state.went_on, nil, "what comes after it has run") end,
       uncaught = 1, metrics = { iterations = 2 } })

t.case("T-130 also when its tail fails", function()
  local s = tcp.Socket.new()
  s:on("connect", function()
    k6.sleep(0.02)
    error({ on = "purpose" })
  end)
  t.connect(s, "ECHO")
  s:wait("close")
  state.went_on = true
end, { after = function() t.equal(state.went_on, nil, "what comes after it has run") end,
       uncaught = 1, metrics = { iterations = 2 } })

t.case("T-131 handlers run while the iteration sleeps", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "ECHO")
  s:write("x")
  k6.sleep(0.5)
  t.equal(seen.data, "x", "what came meanwhile")
end)

t.case("T-131 a handler's sleep holds nobody", function()
  local s = t.socket()
  local ended
  s:on("connect", function()
    k6.sleep(0.3)
    ended = true
  end)
  t.connect(s, "ECHO")
  t.equal(ended, nil, "connect returns before the handler's end")
  t.eventually(function() return ended end, "its end")
end)

t.case("T-135 in the order raised: connect, data, close", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "FIN_AFTER_REPLY")
  s:write("hello")
  s:wait("close")
  t.equal(seen.text(), "connect data close", "events")
end)

t.case("T-135 chunks in stream order, close last", function()
  local s = t.socket({ read_size = 100 })
  local seen = t.watch(s)
  local sent = {}
  for i = 1, 3000 do
    sent[i] = ("%05d "):format(i)
  end
  sent = table.concat(sent)
  t.connect(s, "ECHO")
  s:write(sent)
  t.eventually(function() return #seen.data == #sent end, "the echo")
  t.yes(seen.data == sent, "other bytes")
  s:destroy()
  s:wait("close")
  t.equal(seen.text(), "connect data close", "events")
end)

t.case("T-136 the connect handler runs before connect returns", function()
  for _ = 1, 5 do
    local s = t.socket()
    local order = {}
    s:on("connect", function()
      order[#order + 1] = "handler"
      k6.sleep(0.01)
      order[#order + 1] = "tail"
    end)
    t.connect(s, "ECHO")
    order[#order + 1] = "return"
    t.eventually(function() return #order == 3 end, "the tail")
    t.equal(order, { "handler", "return", "tail" }, "the order")
  end
end)

t.case("T-137 the error handler runs before the error is raised", function()
  local s = t.socket()
  local order = {}
  s:on("error", function(e)
    order[#order + 1] = e.method
    k6.sleep(0.01)
    order[#order + 1] = "tail"
  end)
  t.refused({ code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
  t.equal(order, { "connect" }, "the order")
  t.settle()
  t.refused({ code = "EINVAL" }, s.write, s, 5)
  t.equal(order, { "connect", "tail", "write" }, "the order")
  t.settle()
  t.refused({ code = "EINVAL" }, s.connect, s, true)
  t.equal(order, { "connect", "tail", "write", "tail", "connect" }, "the order")
  t.settle()
end)

t.case("T-138 read failure, FIN, connect failure", function()
  local function events(peer, say)
    local s = t.socket()
    local seen = t.watch(s)
    if pcall(t.connect, s, peer) then
      s:write(say)
      s:wait("close")
    end
    t.settle()
    return seen.text()
  end
  t.equal(events("RST", "x"), "connect error ECONNRESET close", "events of RST")
  t.equal(events("FIN_AFTER_REPLY", "x"), "connect data close", "events of FIN")
  t.equal(events("REFUSED"), "error ECONNREFUSED", "events of a refusal")
end)

t.case("T-139 in the error handler of a read failure it is destroyed", function()
  local s = t.socket()
  local at_error = {}
  s:on("error", function(e) at_error = { e.method, s.ready_state, s.connected, s.remote_ip or "none" } end)
  t.connect(s, "RST")
  s:write("x")
  s:wait("close")
  t.equal(at_error, { "read", "destroyed", false, "none" }, "what the handler saw")
end)

t.case("T-140 what came before destroy is delivered after it, before close", function()
  local s = t.socket({ read_size = 1000 })
  local order, bytes = {}, 0
  s:on("data", function(data)
    order[#order + 1] = s.ready_state
    bytes = bytes + #data
    s:destroy()
  end)
  s:on("close", function() order[#order + 1] = "close" end)
  t.connect(s, "BURST")
  s:wait("close")
  t.settle()
  t.equal(order[1], "open", "the first")
  for i = 2, #order - 1 do
    t.equal(order[i], "destroyed", "number " .. i)
  end
  t.equal(order[#order], "close", "the last")
  t.equal(bytes, s.bytes_read, "bytes")
  t.yes(#order >= 4, "one completion brought only " .. bytes .. " bytes")
end)

t.case("T-141 nothing after close", function()
  local s = t.socket({ read_size = 100 })
  local closed, after = false, 0
  local function count()
    if closed then
      after = after + 1
    end
  end
  for _, event in ipairs({ "data", "timeout", "error" }) do
    s:on(event, count)
  end
  s:on("close", function() closed = true end)
  s:set_timeout(5)
  t.connect(s, "SOURCE")
  t.eventually(function() return s.bytes_read > 50000 end, "data")
  s:destroy()
  local bytes = s.bytes_read
  t.eventually(function() return closed end, "close")
  k6.sleep(0.05)
  t.equal(after, 0, "events after close")
  t.equal(s.bytes_read, bytes, "bytes_read")
end)

t.case("T-142 close comes once, and not inside of destroy", function()
  local s = t.socket()
  local closes = 0
  s:on("close", function()
    closes = closes + 1
    s:destroy()
  end)
  t.connect(s, "ECHO")
  s:destroy()
  t.equal(closes, 0, "close events when destroy returns")
  s:destroy()
  s:wait("close")
  t.settle()
  t.equal(closes, 1, "close events")
end)

t.case("T-143 between sockets, in order of arrival", function()
  local order, sockets = {}, {}
  for i = 1, 3 do
    sockets[i] = t.open("ECHO")
    sockets[i]:on("data", function() order[#order + 1] = i end)
  end
  for _, i in ipairs({ 2, 3, 1, 3, 2, 1 }) do
    local before = #order
    sockets[i]:write("x")
    t.eventually(function() return #order > before end, "the echo")
  end
  t.equal(order, { 2, 3, 1, 3, 2, 1 }, "the order")
end)

t.case("T-144 the chunks are all of bytes_read at close", function()
  for _, read_size in ipairs({ 7, 1000, 16384, 100000 }) do
    local s = t.socket({ read_size = read_size })
    local bytes, largest, at_close = 0, 0
    s:on("data", function(data)
      bytes, largest = bytes + #data, math.max(largest, #data)
    end)
    s:on("close", function() at_close = { bytes, s.bytes_read } end)
    t.connect(s, "BURST")
    t.eventually(function() return bytes > 2000 end, "data")
    s:destroy()
    s:wait("close")
    t.equal(at_close[1], at_close[2], "bytes at close")
    t.yes(largest <= read_size, "a chunk of " .. largest .. " bytes")
  end
end)

options, default, setup, teardown = t.suite()
