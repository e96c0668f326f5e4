-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 15: what is Lua's own: names in both spellings, wait, scopes, coroutines.
local t = require("./lib.lua")
local k6 = require("k6")
local tcp = require("k6/x/tcp")

t.case("mapping: T-011 both spellings of properties", function()
  local pairs_of = { ready_state = "readyState", local_ip = "localIp", local_port = "localPort", remote_ip = "remoteIp",
                     remote_port = "remotePort", bytes_written = "bytesWritten", bytes_read = "bytesRead" }
  local s = t.open("ECHO")
  s:write("x")
  s:wait("data")
  for snake, camel in pairs(pairs_of) do
    t.yes(s[snake] ~= nil, snake)
    t.equal(s[camel], s[snake], camel)
  end
  t.equal(s:setTimeout(5):set_timeout(0), s, "the result of both")
  t.equal(math.type(s.bytes_read), "integer", "the type of bytes_read")
  t.equal(math.type(s.remote_port), "integer", "the type of remote_port")
end)

t.case("mapping: T-051 T-054 T-055 options in snake_case", function()
  local s = t.socket()
  t.refused({ code = "EBLOCKED" }, s.connect, s, 80, "x.bad.test")
  t.refused({ code = "EBLOCKED" }, s.connect, s, 80, "127.9.9.9")
end, { options = { block_hostnames = { "*.bad.test" }, blacklist_ips = { "127.9.9.0/24" } } })

t.case("mapping: both spellings of one option stop the run", function() end,
       { options = { block_hostnames = { "a.test" }, blockHostnames = { "b.test" } }, code = 104,
         log = { { level = "error", has = "lock" } } })

t.case("mapping: T-130 results and errors pass pcall, iterators and metamethods", function()
  local host, port = t.peer("ECHO")
  local function connected()
    local s = t.socket()
    s:connect(port, host)
    return s
  end
  local through_index = setmetatable({}, { __index = function() return connected().ready_state end })
  t.equal(through_index.anything, "open", "in a metamethod")
  local count = 0
  for s in function() return count < 2 and connected() or nil end do
    count = count + 1
    t.equal(s.connected, true, "in an iterator")
  end
  t.equal(select(2, pcall(pcall, function() return connected().ready_state end)), true, "in pcall in pcall")
  local function handler(e) return { caught = e } end
  local ok, wrapped = xpcall(t.connect, handler, t.socket(), "REFUSED")
  t.equal(ok, false, "xpcall")
  t.is_error(wrapped.caught, { code = "ECONNREFUSED" })
end)

t.case("mapping: T-030 inside of a coroutine of the script's", function()
  local results = {}
  local co = coroutine.create(function(first)
    local s = t.open("ECHO")
    results[#results + 1] = first .. s.ready_state
    local got = coroutine.yield("yielded")
    results[#results + 1] = got
    s:write("x")
    results[#results + 1] = select(2, s:wait("data"))
    return "done"
  end)
  t.equal({ coroutine.resume(co, "a") }, { true, "yielded" }, "the first resume")
  t.equal({ coroutine.resume(co, "b") }, { true, "done" }, "the second")
  t.equal(results, { "aopen", "b", "x" }, "what it did")
end)

t.case("mapping: T-030 where one cannot wait the error is a plain one", function()
  local s = t.socket()
  local ok, e = pcall(table.sort, { 1, 2, 3 }, function(a, b)
    t.connect(s, "ECHO")
    return a < b
  end)
  t.equal(ok, false, "sort")
  t.equal(type(e), "string", "the error")
  t.equal(s.ready_state, "disconnected", "ready_state")
end)

t.case("mapping: T-170 to-be-closed sockets are destroyed", function()
  local outer
  do
    local s <close> = t.connect(tcp.Socket.new(), "ECHO")
    outer = s
    t.equal(s.connected, true, "connected")
  end
  t.equal(outer.ready_state, "destroyed", "ready_state")
  local ok = pcall(function()
    local s <close> = t.connect(tcp.Socket.new(), "ECHO")
    outer = s
    error("on purpose")
  end)
  t.equal(ok, false, "pcall")
  t.equal(outer.ready_state, "destroyed", "ready_state after an error")
end, { metrics = { tcp_sockets = 2, tcp_socket_duration = 2 }, server = { ECHO = { accepted = 2, closed = 2 } } })

t.case("mapping: T-178 TCPError is a kind", function()
  local e = t.refused({}, t.connect, t.socket(), "REFUSED")
  t.equal(type(e), "table", "its type")
  t.yes(getmetatable(e) == tcp.TCPError, "its metatable")
  t.yes(getmetatable({}) ~= tcp.TCPError, "another table's")
end)

t.case("mapping: methods want a socket", function()
  local s = t.socket()
  for _, name in ipairs({ "connect", "write", "on", "destroy", "set_timeout", "wait" }) do
    t.raises("bad argument", s[name], {})
    t.raises("bad argument", s[name], nil)
  end
  t.has(tostring(s), "Socket", "the text")
end)

t.case("mapping: the old names are not there", function()
  local s = t.socket()
  t.equal(s.connectAsync, nil, "connectAsync")
  t.equal(s.writeAsync, nil, "writeAsync")
  t.equal(s.connect_async, nil, "connect_async")
end)

-- --- wait ---

t.case("wait: the handler's arguments, without a handler too (T-125)", function()
  local s = t.open("ECHO")
  s:write("hello")
  t.equal({ s:wait("data") }, { true, "hello" }, "wait")
  s:destroy()
  t.equal({ s:wait("close") }, { true }, "wait for close")
  t.equal({ s:wait("close") }, { true }, "again")
  local reset = t.open("RST")
  reset:write("x")
  local ok, e = reset:wait("error")
  t.equal(ok, true, "wait for error")
  t.is_error(e, { method = "read", code = "ECONNRESET" })
end)

t.case("wait: a time", function()
  local s = t.open("SILENT")
  local begin = t.now()
  t.equal({ s:wait("data", 50) }, { nil, "timeout" }, "wait")
  t.yes(t.now() - begin >= 0.0499, "too early")
  t.yes(t.now() - begin < 5 * t.slowdown, "too late")
  t.equal(s.connected, true, "connected")
end)

t.case("wait: T-136 the handler comes first, and both get it", function()
  local s = t.open("ECHO")
  local order = {}
  s:on("data", function(data) order[#order + 1] = "handler " .. data end)
  s:write("x")
  local _, data = s:wait("data")
  order[#order + 1] = "wait " .. data
  t.equal(order, { "handler x", "wait x" }, "the order")
end)

t.case("wait: several wait for one event", function()
  local s = t.open("ECHO")
  local woken = {}
  for i = 1, 3 do
    k6.spawn(function()
      s:wait("data")
      woken[#woken + 1] = i
    end)
  end
  k6.sleep(0.01)
  s:write("x")
  t.eventually(function() return #woken == 3 end, "all three")
  t.equal(woken, { 1, 2, 3 }, "their order")
end)

t.case("wait: what will never come", function()
  local s = t.open("FIN")
  t.equal({ s:wait("data") }, { nil, "closed" }, "wait for data until close")
  t.equal({ s:wait("data") }, { nil, "closed" }, "wait for data after close")
  t.raises("bad argument", s.wait, s, "drain")
end)

t.case("mapping: all and race", function()
  local function echo(text)
    return function()
      local s <close> = t.connect(tcp.Socket.new(), "ECHO")
      s:write(text)
      return select(2, s:wait("data"))
    end
  end
  t.equal(table.concat(k6.all({ echo("a"), echo("b"), echo("c") })), "abc", "all")
  t.equal(k6.race({ function() k6.sleep(0.3) return "slow" end, echo("fast") }), "fast", "race")
end)

options, default, setup, teardown = t.suite()
