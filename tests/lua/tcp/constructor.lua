-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 1: module and constructor.
local t = require("./lib.lua")
local tcp = require("k6/x/tcp")
local at_init = { pcall(tcp.Socket.new) } -- T-008

t.case("T-001 the module has Socket, and no default", function()
  local names = {}
  for name in pairs(tcp) do
    names[#names + 1] = name
  end
  table.sort(names)
  t.equal(names, { "Socket", "TCPError" }, "the module") -- TCPError: section 15
  t.equal(tcp.default, nil, "default")
end)

t.case("T-002 with options, without, and called like a function", function()
  for _, s in ipairs({ tcp.Socket.new(), tcp.Socket(), tcp.Socket.new({}), tcp.Socket({ tags = { a = "b" } }),
                       tcp.Socket { tags = {} } }) do
    t.equal(type(s), "userdata", "its type")
    t.equal(s.ready_state, "disconnected", "ready_state")
    t.equal(s.connected, false, "connected")
  end
end, { metrics = { tcp_sockets = 0, tcp_errors = 0 }, quiet = true })

t.case("T-003 unknown options are ignored", function()
  local s = t.socket({ name = "x", timeout = 5, tls = true, tags = { a = "b" }, [1] = 2 })
  t.connect(s, "ECHO")
  t.equal(s.connected, true, "connected")
end, { metrics = { tcp_sockets = 1 } })

t.case("T-004 options that are not a table", function()
  for _, wrong in ipairs({ 5, "text", true, print }) do
    t.raises("bad argument", tcp.Socket.new, wrong)
    t.raises("bad argument", tcp.Socket, wrong)
  end
end, { metrics = { tcp_errors = 0 }, quiet = true })

t.case("T-005 nil is no options", function()
  local s = tcp.Socket.new(nil)
  t.connect(s, "ECHO")
  s:destroy()
  s = tcp.Socket(nil)
  t.connect(s, "ECHO")
  s:destroy()
end, { metrics = { tcp_sockets = 2, tcp_errors = 0 } })

t.case("T-006 strings, numbers and booleans are tag values", function()
  local host, port = t.peer("ECHO")
  local tags = { text = "x", whole = 5, float = 2.0, half = 1.5, yes = true, no = false }
  local s = t.socket({ tags = tags })
  s:connect({ host = host, port = port, tags = tags })
  s:write("x", { tags = tags })
end, { metrics = { tcp_sockets = 1, tcp_writes = 1, tcp_errors = 0 } })

t.case("T-006 other tag values are refused", function()
  local host, port = t.peer("ECHO")
  local s = t.socket()
  for _, wrong in ipairs({ {}, print }) do
    t.raises("bad argument", tcp.Socket.new, { tags = { a = wrong } })
    t.refused({ method = "connect", code = "EINVAL" }, s.connect, s,
              { host = host, port = port, tags = { a = wrong } })
    t.equal(s.ready_state, "disconnected", "ready_state")
  end
  s:connect(port, host)
  t.raises("bad argument", s.write, s, "x", { tags = { a = {} } })
end, { metrics = { tcp_sockets = 1, tcp_writes = 0, tcp_errors = 2 } })

t.case("T-007 tags that are not a table", function()
  local host, port = t.peer("ECHO")
  local s = t.socket()
  for _, wrong in ipairs({ 5, "text", true }) do
    t.raises("tags", tcp.Socket.new, { tags = wrong })
    t.refused({ method = "connect", code = "EINVAL" }, s.connect, s, { host = host, port = port, tags = wrong })
  end
  s:connect(port, host)
  t.raises("tags", s.write, s, "x", { tags = 5 })
end, { metrics = { tcp_sockets = 1, tcp_writes = 0, tcp_errors = 3 } })

t.case("T-008 there are no sockets in the init context", function()
  t.equal(at_init[1], false, "constructing one at init")
  t.equal(type(at_init[2]), "string", "the error")
  t.has(at_init[2], "init context")
end)

local function use_a_socket()
  local s <close> = tcp.Socket.new()
  t.connect(s, "ECHO")
  s:write("hello")
  local _, data = s:wait("data")
  t.equal(data, "hello", "the echo")
  return data
end

t.case("T-009 sockets in setup, in iterations and in teardown", function()
  t.equal(t.data.echo, "hello", "what setup got")
  use_a_socket()
end, {
  setup = function() return { echo = use_a_socket() } end,
  teardown = use_a_socket,
  metrics = { tcp_sockets = 3, tcp_writes = 3, tcp_socket_duration = 3, data_sent = 15, data_received = 15 },
})

t.case("T-010 no id, no name, no timeout, any number of sockets", function()
  local sockets = {}
  for i = 1, 100 do
    sockets[i] = t.open("SILENT")
  end
  t.equal(sockets[1].id, nil, "id")
  t.equal(sockets[1].name, nil, "name")
  for i = 1, 100 do
    t.equal(sockets[i].connected, true, "connected")
  end
end, { metrics = { tcp_sockets = 100, tcp_timeouts = 0 } })

options, default, setup, teardown = t.suite()
