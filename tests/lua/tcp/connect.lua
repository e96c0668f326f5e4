-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 3: connect.
local t = require("./lib.lua")
local k6 = require("k6")

local no_samples = { tcp_socket_resolving = 0, tcp_socket_connecting = 0, tcp_sockets = 0 }

local function with(counts)
  for name, count in pairs(no_samples) do
    counts[name] = counts[name] or count
  end
  return counts
end

t.case("T-030 both forms return nothing once connected", function()
  local host, port = t.peer("ECHO")
  local s = t.socket()
  t.equal(select("#", s:connect(tonumber(port), host)), 0, "number of results")
  t.equal(s.connected, true, "connected")
  s = t.socket()
  t.equal(select("#", s:connect({ port = port, host = host, tls = false, tags = {} })), 0, "number of results")
  t.equal(s.connected, true, "connected")
end, { metrics = { tcp_sockets = 2, tcp_socket_connecting = 2, tcp_socket_resolving = 2 } })

t.case("T-030 a failure raises a TCPError, with and without error handler", function()
  local s = t.socket()
  t.refused({ method = "connect", code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
  local seen = t.watch(s)
  t.refused({ method = "connect", code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
  t.equal(#seen.errors, 1, "errors that the handler saw")
end, { metrics = { tcp_errors = 2, tcp_sockets = 0 } })

t.case("T-031 first arguments of other types", function()
  local s = t.socket()
  for _, wrong in ipairs({ true, false, 80.5, print, s }) do
    t.refused({ method = "connect", code = "EINVAL", has = "invalid type" }, s.connect, s, wrong)
  end
  t.refused({ method = "connect", code = "EINVAL", has = "invalid type" }, s.connect, s, nil, "localhost")
  t.equal(s.ready_state, "disconnected", "ready_state")
end, { metrics = with({ tcp_errors = 6 }) })

t.case("T-031 integral floats are fine", function()
  local host, port = t.peer("ECHO")
  local s = t.socket()
  s:connect(tonumber(port) + 0.0, host)
  s = t.socket()
  s:connect({ port = tonumber(port) + 0.0, host = host })
end, { metrics = { tcp_sockets = 2 } })

t.case("T-032 no argument at all", function()
  local s = t.socket()
  t.refused({ method = "connect", code = "EINVAL", has = "invalid type" }, s.connect, s)
end, { metrics = with({ tcp_errors = 1 }) })

t.case("T-033 the default host is localhost", function()
  local _, port = t.peer("LOCALHOST")
  for _, connect in ipairs({
    function(s) s:connect(port) end,
    function(s) s:connect(port, nil) end,
    function(s) s:connect({ port = port }) end,
    function(s) s:connect({ port = port, host = "" }) end,
  }) do
    local s = t.socket()
    connect(s)
    t.equal(s.remote_ip, "127.0.0.1", "remote_ip")
  end
end, { metrics = { tcp_sockets = 4 } })

t.case("T-034 an empty second argument is no default", function()
  local _, port = t.peer("LOCALHOST")
  local s = t.socket()
  t.refused({ method = "connect", code = "ENOTFOUND", has = "no such host" }, s.connect, s, port, "")
end, { metrics = { tcp_errors = 1, tcp_socket_resolving = 1, tcp_socket_connecting = 0 } })

t.case("T-035 the options form ignores a second argument", function()
  local host, port = t.peer("ECHO")
  local s = t.socket()
  s:connect({ port = port, host = host }, "no-such-host.invalid")
  t.equal(s.remote_ip, host, "remote_ip")
end)

t.case("T-036 ports as strings", function()
  local host, port = t.peer("ECHO")
  for _, form in ipairs({ port, " " .. port .. "\t", ("0x%x"):format(tonumber(port)), port .. ".0",
                          ("%.5e"):format(tonumber(port)) }) do
    local s = t.socket()
    s:connect(form, host)
    t.equal(s.remote_port, math.tointeger(tonumber(port)), "remote_port of " .. form)
    s = t.socket()
    s:connect({ port = form, host = host })
    t.equal(s.remote_port, math.tointeger(tonumber(port)), "remote_port of {" .. form .. "}")
  end
end, { metrics = { tcp_sockets = 10 } })

t.case("T-037 ports that are none", function()
  local s = t.socket()
  for _, wrong in ipairs({ "http", "", "80.5", "80 90", {}, { host = "localhost" }, { port = "http" }, { port = 80.5 },
                           { port = true }, { port = {} } }) do
    t.refused({ method = "connect", code = "EINVAL", has = "invalid port" }, s.connect, s, wrong)
  end
end, { metrics = with({ tcp_errors = 10 }) })

t.case("T-038 ports out of range", function()
  local s = t.socket()
  local seen = t.watch(s)
  for _, wrong in ipairs({ -1, 65536, "70000", { port = -1 }, math.maxinteger }) do
    t.refused({ method = "connect", code = "EINVAL", has = "invalid port" }, s.connect, s, wrong,
        "no-such-host.invalid")
  end
  t.equal(#seen.errors, 5, "error events")
end, { metrics = with({ tcp_errors = 5 }) })

t.case("T-039 port 0 is tried and refused", function()
  local s = t.socket()
  t.refused({ method = "connect", code = "ECONNREFUSED", has = "connection refused" }, s.connect, s, 0, "127.0.0.1")
end, { metrics = { tcp_errors = 1, tcp_socket_resolving = 1, tcp_socket_connecting = 1 } })

t.case("T-040 tls by truthiness, false by default", function()
  local host, port = t.peer("ECHO")
  local s = t.socket()
  s:connect({ port = port, host = host, tls = false })
  t.equal(s.connected, true, "connected")
  s = t.socket()
  s:connect({ port = port, host = host, tls = nil })
  t.equal(s.connected, true, "connected")
  for _, truth in ipairs({ true, 0, "" }) do -- an echo server is no TLS server
    s = t.socket()
    t.refused({ method = "connect", code = "ETLS", has = "TLS handshake failed" }, s.connect, s,
              { port = port, host = host, tls = truth })
  end
end, { metrics = { tcp_sockets = 2, tcp_errors = 3 } })

t.case("T-040 hosts of other types are made strings", function()
  local s = t.socket()
  t.refused({ method = "connect", has = "true" }, s.connect, s, 80, true)
  t.refused({ method = "connect", has = "false" }, s.connect, s, { port = 80, host = false })
end, { options = { blockHostnames = { "true", "false" } }, metrics = { tcp_errors = 2 } })

t.case("T-041 names, IPv4 and bare IPv6; no brackets", function()
  local host, port = t.peer("IPV6")
  local s = t.socket()
  s:connect(port, host)
  t.equal(s.remote_ip, "::1", "remote_ip")
  t.equal(s.local_ip, "::1", "local_ip")
  s = t.socket()
  t.refused({ method = "connect", code = "ENOTFOUND" }, s.connect, s, port, "[::1]")
  host, port = t.peer("ECHO")
  s:connect(port, host)
  t.equal(s.remote_ip, host, "remote_ip")
  _, port = t.peer("LOCALHOST")
  s = t.socket()
  s:connect(port, "localhost")
  t.equal(s.remote_ip, "127.0.0.1", "remote_ip")
end)

t.case("T-042 tags of connect are taken in both attempts", function() -- which tags: tests/unit/vu/dial_test.c
  local host, port = t.peer("ECHO")
  local s = t.socket({ tags = { a = "1" } })
  t.refused({ code = "ECONNREFUSED" }, s.connect, s, { host = (t.peer("REFUSED")), port = 9, tags = { b = "2" } })
  s:connect({ host = host, port = port, tags = { c = "3" } })
end, { metrics = { tcp_sockets = 1, tcp_errors = 1 } })

t.case("T-043 connecting is bounded, here by the option timeout", function()
  local host, port = t.peer("BACKLOG")
  local s = t.socket()
  local seen = t.watch(s)
  local begin = t.now()
  t.refused({ method = "connect", code = "ETIMEDOUT", has = "i/o timeout" }, s.connect, s,
            { host = host, port = port, timeout = 150 })
  t.yes(t.now() - begin >= 0.15, "too early")
  t.yes(t.now() - begin < 5 * t.slowdown, "too late")
  t.equal(seen.text(), "error ETIMEDOUT", "events")
  t.equal(s.ready_state, "disconnected", "ready_state")
  t.connect(s, "ECHO")
  k6.sleep(0.2)
  t.equal(s.connected, true, "the timeout is over")
end, { metrics = { tcp_errors = 1, tcp_sockets = 1,
                   tcp_socket_connecting = { count = 2, at_most = 5000 } } })

t.case("T-043 a timeout that is none", function()
  local host, port = t.peer("ECHO")
  for _, wrong in ipairs({ "soon", {}, true }) do
    local s = t.socket()
    t.refused({ method = "connect", code = "EINVAL", has = "timeout" }, s.connect, s,
              { host = host, port = port, timeout = wrong })
  end
end, { metrics = with({ tcp_errors = 3 }) })

t.case("T-047 connect while open", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "ECHO")
  local before = s.local_port
  t.refused({ method = "connect", code = "EISCONN" }, t.connect, s, "ECHO")
  t.equal(seen.text(), "connect error EISCONN", "events")
  t.equal(s.local_port, before, "local_port")
  s:write("still here")
  t.eventually(function() return seen.data == "still here" end, "the echo")
end, { metrics = { tcp_sockets = 1, tcp_errors = 1 }, server = { ECHO = { accepted = 1 } } })

t.case("T-048 connect while opening", function()
  local s = t.socket()
  local seen = t.watch(s)
  local host, port = t.peer("ECHO")
  local first
  k6.spawn(function() first = pcall(s.connect, s, port, host) end)
  k6.spawn(function()
    t.equal(s.ready_state, "opening", "ready_state")
    t.refused({ method = "connect", code = "EALREADY" }, s.connect, s, port, host)
  end)
  t.eventually(function() return first ~= nil end, "the first attempt")
  t.equal(first, true, "the first attempt")
  t.eventually(function() return #seen.errors == 1 end, "the error event")
  t.is_error(seen.errors[1], { code = "EALREADY" })
  t.equal(s.connected, true, "connected")
end, { metrics = { tcp_sockets = 1, tcp_errors = 1 }, server = { ECHO = { accepted = 1 } } })

t.case("T-049 destroy after a failed connect gives close", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.refused({ code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
  s:destroy()
  s:wait("close")
  t.equal(seen.text(), "error ECONNREFUSED close", "events")
end, { metrics = { tcp_socket_duration = 0, tcp_errors = 1 } })

options, default, setup, teardown = t.suite()
