-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 17: the cases of the module's own tests and examples, ported.
local t = require("./lib.lua")
local k6 = require("k6")
local tcp = require("k6/x/tcp")

local host, port = __ENV.TCP_ECHO_HOST, __ENV.TCP_ECHO_PORT

-- Connect a new socket and let fn use it; until close.
local function with_echo(fn, options)
  local s = tcp.Socket.new(options)
  s:connect(port, host)
  fn(s)
  s:wait("close")
end

t.case("basic T-002 T-027: construct, type, destroy", function()
  local s = tcp.Socket.new()
  t.equal(type(s), "userdata", "its type")
  s:destroy()
  t.equal(s.ready_state, "destroyed", "ready_state")
end)

t.case("connect T-011 T-023 T-036 T-175: destroy in the connect handler", function()
  local s = tcp.Socket.new()
  local connected, closed
  t.equal(s.connected, false, "connected at first")
  s:on("connect", function()
    connected = s.connected
    s:destroy()
  end)
  s:on("close", function() closed = true end)
  s:connect(port, host)
  t.equal(connected, true, "connected in the handler")
  s:wait("close")
  t.equal(closed, true, "the close handler has run")
  t.equal(s.connected, false, "connected")
end)

t.case("connect-error T-030 T-031 T-039 T-126: an invalid type, without handler and with", function()
  local s = t.socket()
  t.refused({ method = "connect", has = "invalid type" }, s.connect, s, true)
  local handled
  s:on("error", function(e) handled = e end)
  t.refused({ method = "connect", has = "invalid type" }, s.connect, s, true)
  t.is_error(handled, { method = "connect", has = "invalid type" })
end)

t.case("connect-error T-030 T-031 T-039 T-126: port 0, without handler and with", function()
  local s = t.socket()
  t.refused({ method = "connect", has = "refused" }, s.connect, s, 0)
  local handled
  s:on("error", function(e) handled = e end)
  t.refused({ method = "connect", has = "refused" }, s.connect, s, 0)
  t.is_error(handled, { method = "connect", has = "refused" })
end)

t.case("api-align T-120 T-170 T-036: results, string ports", function()
  local s = t.socket()
  t.equal(select("#", s:on("close", function() end)), 0, "results of on")
  t.refused({ method = "connect", code = "ECONNREFUSED" }, s.connect, s, "9", (t.peer("REFUSED")))
  t.refused({ method = "connect", code = "ECONNREFUSED" }, s.connect, s, { port = "9", host = (t.peer("REFUSED")) })
  t.equal(select("#", s:destroy()), 0, "results of destroy")
end)

t.case("event-order T-135: connect, data, close", function()
  local s = tcp.Socket.new()
  local seen = t.watch(s)
  s:on("data", function()
    seen.list[#seen.list + 1] = "data"
    s:destroy()
  end)
  s:connect(port, host)
  s:write("hello")
  s:wait("close")
  t.equal(seen.text(), "connect data close", "events")
end)

t.case("write T-090: the echo of a short string", function()
  with_echo(function(s)
    s:on("data", function(data)
      t.equal(data, "hello", "the echo")
      s:destroy()
    end)
    s:write("hello")
  end)
end)

for name, case in pairs({
  absent = { nil, "Zażółć", "Zażółć" },
  utf8 = { "utf8", "Zażółć", "Zażółć" },
  ["utf-8"] = { "utf-8", "hello", "hello" },
  ascii = { "ascii", "hello", "hello" },
  base64 = { "base64", "aGVsbG8=", "hello" },
  ["base64url padded"] = { "base64url", "_-8=", "\xff\xef" },
  ["base64url unpadded"] = { "base64url", "_-8", "\xff\xef" },
  hex = { "hex", "68656c6c6f", "hello" },
}) do
  t.case("write-encoding T-093 T-094 T-095 T-096 T-097: " .. name, function()
    with_echo(function(s)
      s:on("data", function(data)
        t.equal(data, case[3], "the echo")
        s:destroy()
      end)
      s:write(case[2], { encoding = case[1] })
    end)
  end)
end

for name, case in pairs({
  latin1 = { "latin1", "x" }, ["bad base64"] = { "base64", "###" }, ["bad hex"] = { "hex", "xyz" },
}) do
  t.case("write-encoding T-098 T-099: refused: " .. name, function()
    local s = t.socket()
    local handled
    s:on("error", function(e) handled = e end)
    s:connect(port, host)
    local e = t.refused({ method = "write" }, s.write, s, case[2], { encoding = case[1] })
    t.equal(handled.message, e.message, "the message in the handler")
  end)
end

t.case("timeout T-163 T-175: idle, destroy in the handler, close", function()
  local s = tcp.Socket.new()
  local timed_out
  local begin = t.now()
  s:on("timeout", function()
    timed_out = t.now()
    s:destroy()
  end)
  s:set_timeout(200) -- there: 2 s
  s:connect(port, host)
  s:wait("close")
  t.yes(timed_out - begin >= 0.199, "too early")
end)

t.case("options address T-033 T-041: forms of addresses", function()
  local _, local_port = t.peer("LOCALHOST")
  local six, six_port = t.peer("IPV6")
  for _, address in ipairs({ { local_port, nil, "127.0.0.1" }, { local_port, "127.0.0.1", "127.0.0.1" },
                             { local_port, "localhost", "127.0.0.1" }, { six_port, six, "::1" } }) do
    local s = t.socket()
    s:connect({ port = address[1], host = address[2] })
    t.equal(s.remote_ip, address[3], "remote_ip")
  end
end)

t.case("prepare defaults T-031 T-033 T-090", function()
  local _, local_port = t.peer("LOCALHOST")
  local s = t.socket()
  s:connect(local_port)
  s:write("x", {})
  s = t.socket()
  t.refused({ has = "invalid type" }, s.connect, s, print)
end)

t.case("state T-020 T-022 T-023: names, connected, counters", function()
  local s = t.socket()
  t.equal({ s.ready_state, s.connected, s.bytes_read, s.bytes_written }, { "disconnected", false, 0, 0 }, "at first")
  k6.spawn(s.connect, s, port, host)
  k6.sleep(0)
  t.equal({ s.ready_state, s.connected }, { "opening", false }, "then")
  t.eventually(function() return s.connected end, "the connection")
  t.equal({ s.ready_state, s.connected, s.bytes_read, s.bytes_written }, { "open", true, 0, 0 }, "then")
  s:destroy()
  t.equal({ s.ready_state, s.connected }, { "destroyed", false }, "at last")
end)

t.case("read loop T-153 T-156 T-165: errors and FIN stop it, a timeout does not", function()
  for _, peer in ipairs({ "RST", "FIN_AFTER_REPLY" }) do
    local s = t.open(peer)
    s:write("x")
    s:wait("close")
    t.equal(s.ready_state, "destroyed", "ready_state after " .. peer)
  end
  local s = t.open("ECHO")
  s:set_timeout(10)
  s:wait("timeout")
  s:write("x")
  t.equal(select(2, s:wait("data")), "x", "the echo")
end)

t.case("dispatch T-135: from connect to close", function()
  local s = t.socket()
  local seen = t.watch(s)
  s:connect(port, host)
  s:destroy()
  s:wait("close")
  t.equal(seen.text(), "connect close", "events")
end)

t.case("handlers T-121 T-122: five names, override, unknown", function()
  local s = t.socket()
  for _, name in ipairs({ "connect", "data", "timeout", "error", "close" }) do
    s:on(name, function() t.fail("replaced") end)
    s:on(name, function() end)
  end
  s:on("other", function() t.fail("unknown") end)
  s:connect(port, host)
  s:write("x")
  t.eventually(function() return s.bytes_read == 1 end, "the echo")
end, { log = { { level = "warning", event = "other" }, { level = "warning", event = "close" } } })

t.case("error object T-178", function()
  local e = t.refused({ name = "TCPError", method = "write" }, t.socket().write, t.socket(), 5)
  t.equal(tostring(e), "TCP error during write: " .. e.message, "the text")
end)

t.case("concurrency T-013 T-128: properties, timeouts, handlers at the same time", function()
  local s = t.socket()
  local events, stop = 0, false
  for i = 1, 10 do
    k6.spawn(function()
      while not stop do
        t.yes(s.ready_state ~= nil and s.connected ~= nil, "properties")
        s:set_timeout(i)
        s:on("timeout", function() events = events + 1 end)
        k6.sleep(0.001)
      end
    end)
  end
  s:connect(port, host)
  for i = 1, 20 do
    s:write("x")
    s:wait("data")
  end
  stop = true
  t.equal(s.bytes_read, 20, "bytes_read")
  s:set_timeout(5)
  t.eventually(function() return events > 0 end, "a timeout")
end)

-- --- Examples ---

t.case("example hello T-090", function()
  local got
  with_echo(function(s)
    s:on("data", function(data)
      got = data
      s:destroy()
    end)
    s:write("Hello, TCP!")
  end)
  t.equal(got, "Hello, TCP!", "the echo")
end)

t.case("example echo T-135: three messages in sequence", function()
  local got = {}
  with_echo(function(s)
    local messages, next_one = { "one", "two", "three" }, 1
    s:on("data", function(data)
      got[#got + 1] = data
      next_one = next_one + 1
      if messages[next_one] then
        s:write(messages[next_one])
      else
        s:destroy()
      end
    end)
    s:write(messages[1])
  end)
  t.equal(got, { "one", "two", "three" }, "the echoes")
end)

t.case("example binary T-129: a packet with its length", function()
  local payload = "\0\1\2binary\xff"
  local packet = string.pack(">s4", payload)
  local received = ""
  with_echo(function(s)
    s:on("data", function(data)
      received = received .. data
      if #received >= #packet then
        s:destroy()
      end
    end)
    s:write(packet)
  end)
  t.equal(string.unpack(">s4", received), payload, "the payload")
end)

t.case("example multiple T-143: three sockets at the same time", function()
  local got = {}
  local tasks = {}
  for i = 1, 3 do
    tasks[i] = function()
      with_echo(function(s)
        s:on("data", function(data)
          got[i] = data
          s:destroy()
        end)
        s:write(tostring(i))
      end)
    end
  end
  k6.all(tasks)
  t.equal(got, { "1", "2", "3" }, "the echoes")
end, { metrics = { tcp_sockets = 3, tcp_writes = 3, tcp_reads = 3 } })

t.case("example options T-202: tags at three levels", function()
  local s = t.socket({ tags = { level = "socket" } })
  s:connect({ port = port, host = host, tags = { level = "connect" } })
  s:write("x", { tags = { level = "write" } })
  t.equal(select(2, s:wait("data")), "x", "the echo")
end, { metrics = { tcp_sockets = 1, tcp_writes = 1, tcp_reads = 1 } })

t.case("example state T-015 T-016: counters", function()
  local s = t.open("ECHO")
  s:write("12345")
  s:wait("data")
  t.equal({ s.bytes_written, s.bytes_read }, { 5, 5 }, "bytes")
  s:destroy()
  t.equal({ s.bytes_written, s.bytes_read }, { 5, 5 }, "bytes kept")
end)

t.case("example timeout T-164", function()
  local s = t.open("SILENT")
  local count = 0
  s:on("timeout", function()
    count = count + 1
    if count == 2 then
      s:destroy()
    end
  end)
  s:set_timeout(50)
  s:wait("close")
  t.equal(count, 2, "timeouts")
end)

t.case("deadline server: it ends after five seconds at the latest (section 16)", function()
  local s = t.open("DEADLINE")
  s:write("x")
  t.equal(select(2, s:wait("data")), "x", "the echo")
  s:destroy()
end, { server = { DEADLINE = { accepted = 1, fins = 1, bytes_in = 1 } } })

t.case("example load smoke T-190: five VUs for a while", function()
  local s = tcp.Socket.new({ tags = { test = "smoke" } })
  local ok = pcall(s.connect, s, port, host)
  local data
  if ok then
    s:write("ping")
    _, data = s:wait("data", 5000)
  end
  s:destroy()
  k6.check(data, { ["echoed"] = data == "ping" })
  t.equal(data, "ping", "the echo")
  k6.sleep(0.1)
end, { every = true, metrics = { tcp_errors = 0, checks = { fails = 0 } },
       options = { scenarios = { s = { executor = "constant-vus", vus = 5, duration = "1s" } } } })

options, default, setup, teardown = t.suite()
