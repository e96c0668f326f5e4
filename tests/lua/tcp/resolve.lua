-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 4: name resolution and dial options.
local t = require("./lib.lua")
local k6 = require("k6")
local tcp = require("k6/x/tcp")

local echo_host, echo_port = __ENV.ECHO_HOST or "", __ENV.ECHO_PORT or ""
local echo = echo_host .. ":" .. echo_port

-- Where host:port leads: the remote address, or the code of the failure.
local function lead(host, port)
  local s = t.socket()
  local ok, e = pcall(s.connect, s, port or echo_port, host)
  local where = ok and s.remote_ip .. ":" .. s.remote_port or e.code
  s:destroy()
  return where
end

t.case("T-050 blocked names beat hosts; hosts beat literals and DNS; blacklists see what comes out", function()
  t.equal(lead("both.test"), "EBLOCKED", "a name in hosts and blockHostnames")
  t.equal(lead("db.test", 5432), echo, "a host:port entry")
  t.equal(lead("db.test", echo_port), "127.0.0.1:" .. __ENV.LOCALHOST_PORT, "the host's own entry")
  t.equal(lead("10.1.2.3"), echo, "a literal in hosts")
  t.equal(lead(echo_host), echo, "a literal")
  t.equal(lead("localhost", __ENV.LOCALHOST_PORT), "127.0.0.1:" .. __ENV.LOCALHOST_PORT, "a name")
  t.equal(lead("listed.test", 80), "EBLOCKED", "a mapped address in blacklistIPs")
  t.equal(lead("127.9.9.9", 80), "EBLOCKED", "a literal in blacklistIPs")
end, { options = {
  hosts = { ["both.test"] = echo, ["db.test:5432"] = echo, ["db.test"] = "127.0.0.1:" .. (__ENV.LOCALHOST_PORT or ""),
            ["10.1.2.3"] = echo,
            ["listed.test"] = "127.9.9.1" },
  blockHostnames = { "both.test" }, blacklistIPs = { "127.9.9.0/24" },
} })

t.case("T-051 patterns", function()
  t.equal(lead("x.a.test", 80), echo, "one level below")
  t.equal(lead("x.y.a.test", 80), echo, "two levels below")
  t.equal(lead("a.test", 80), "ENOTFOUND", "the domain itself")
  t.equal(lead("b.test", 80), echo, "*b.test on b.test")
  t.equal(lead("x.b.test", 80), echo, "*b.test below it")
  t.equal(lead("exact.b.test", 1), "ECONNREFUSED", "an exact entry")
  t.equal(lead("UPPER.Test", 80), echo, "upper case")
  t.equal(lead("upper.TEST", 80), echo, "other case")
end, { options = { hosts = {
  ["*.a.test"] = echo, ["*b.test"] = echo, ["exact.b.test"] = "127.3.3.3:1", ["Upper.tesT"] = echo,
} } })

for what, options in pairs({
  ["a blank in a key"] = { hosts = { ["a b"] = "127.0.0.1" } },
  ["two stars"] = { hosts = { ["*.*.test"] = "127.0.0.1" } },
  ["a port that is none"] = { hosts = { ["a.test:http"] = "127.0.0.1" } },
}) do
  t.case("T-051 a malformed key stops the run: " .. what, function() end,
         { options = options, code = 104, log = { { level = "error", has = "hosts" } } })
end

t.case("T-052 a mapped port is dialled and reported", function()
  t.equal(lead("mapped.test", 80), echo, "mapped.test")
  t.equal(lead("mapped.test", "443"), echo, "mapped.test")
end, { options = { hosts = { ["mapped.test"] = echo } }, metrics = { tcp_sockets = 2 },
       server = { ECHO = { accepted = 2 } } })

t.case("T-062 a value that is no address stops the run", function() end,
       { options = { hosts = { ["a.test"] = "b.test" } }, code = 104, log = { { level = "error", has = "b.test" } } })

t.case("T-053 hosts is asked once, not about what it gave", function()
  t.equal(lead("first.test", 80), echo, "first.test")
end, { options = { hosts = { ["first.test"] = echo, [echo_host] = "127.3.3.3", [echo] = "127.3.3.3" } } })

t.case("T-054 blockHostnames", function()
  local s = t.socket()
  for _, name in ipairs({ "www.bad.test", "WWW.BAD.TEST", "a.b.bad.test", "worse.test", "x.worse.test" }) do
    t.refused({ method = "connect", code = "EBLOCKED", has = "blocked" }, s.connect, s, echo_port, name)
  end
  t.equal(lead("bad.test", 80), echo, "*.bad.test on bad.test")
  t.equal(lead(echo_host), echo, "a literal")
end, { options = { blockHostnames = { "*.Bad.test", "*worse.test", echo_host }, hosts = { ["bad.test"] = echo } },
       metrics = { tcp_errors = 5, tcp_sockets = 2, tcp_socket_connecting = 2, tcp_socket_resolving = 7 } })

t.case("T-055 blacklistIPs, of both families", function()
  local s = t.socket()
  for _, ip in ipairs({ "127.9.9.0", "127.9.9.255", "127.8.0.1", "::1" }) do
    t.refused({ method = "connect", code = "EBLOCKED", has = "blacklisted" }, s.connect, s, 80, ip)
  end
  t.equal(lead("127.9.8.255", 9), "ECONNREFUSED", "a neighbour")
  t.equal(lead("127.8.0.2", 9), "ECONNREFUSED", "a neighbour")
end, { options = { blacklistIPs = { "127.9.9.0/24", "127.8.0.1/32", "::/64" } },
       metrics = { tcp_errors = 6, tcp_socket_connecting = 2 } })

-- --- DNS: a server of the case's own. ---

local records = {
  ["one.test"] = { A = { "127.1.0.1" } },
  ["two.test"] = { A = { "127.1.0.1", "127.1.0.2" } },
  ["both.test"] = { A = { "127.1.0.1" }, AAAA = { "::1" } },
  ["six.test"] = { AAAA = { "::1" } },
  ["late.test"] = { A = { "127.1.0.1" }, fail_first = 1 },
}
local world = { records = records, listen = { "127.1.0.1", "127.1.0.2", "::1" }, port = 7000 }

local function leads(host, count)
  local list = {}
  for i = 1, count do
    list[i] = lead(host, 7000):gsub(":7000$", "")
  end
  return list
end

local function distinct(list)
  local set, count = {}, 0
  for _, each in ipairs(list) do
    count = count + (set[each] and 0 or 1)
    set[each] = true
  end
  return count
end

t.case("T-056 by default random, IPv4 before IPv6, cached for minutes", function()
  t.equal(leads("both.test", 3), { "127.1.0.1", "127.1.0.1", "127.1.0.1" }, "both.test")
  t.equal(leads("six.test", 1), { "::1" }, "six.test")
  t.equal(distinct(leads("two.test", 40)), 2, "addresses of two.test in use")
end, { dns = world, asked = { ["both.test A"] = 1, ["two.test A"] = 1 } })

t.case("T-056 select=first", function()
  t.equal(distinct(leads("two.test", 10)), 1, "addresses of two.test in use")
end, { dns = world, options = { dns = { select = "first" } } })

t.case("T-056 select=roundRobin", function()
  local list = leads("two.test", 6)
  for i = 3, 6 do
    t.equal(list[i], list[i - 2], "number " .. i)
  end
  t.equal(distinct(list), 2, "addresses of two.test in use")
end, { dns = world, flags = { "--dns", "select=roundRobin" }, accepted = { ["127.1.0.1"] = 3, ["127.1.0.2"] = 3 } })

for policy, expected in pairs({ preferIPv6 = "::1 ::1 127.1.0.1", onlyIPv6 = "::1 ::1 ENOTFOUND",
                                preferIPv4 = "127.1.0.1 ::1 127.1.0.1",
                                onlyIPv4 = "127.1.0.1 ENOTFOUND 127.1.0.1" }) do
  t.case("T-056 policy=" .. policy, function()
    t.equal(table.concat({ leads("both.test", 1)[1], leads("six.test", 1)[1], leads("one.test", 1)[1] }, " "), expected)
  end, { dns = world, options = { dns = { policy = policy } } })
end

t.case("T-056 policy=any", function()
  t.equal(distinct(leads("both.test", 40)), 2, "addresses of both.test in use")
end, { dns = world, flags = { "--dns", "ttl=5m,select=random,policy=any" } })

t.case("T-056 ttl=0 asks each time", function()
  t.equal(leads("one.test", 3), { "127.1.0.1", "127.1.0.1", "127.1.0.1" }, "one.test")
end, { dns = world, options = { dns = { ttl = "0" } }, asked = { ["one.test A"] = 3 } })

t.case("T-056 a bare number is milliseconds", function()
  leads("one.test", 3)
  k6.sleep(0.25)
  leads("one.test", 1)
end, { dns = world, options = { dns = { ttl = 200 } }, asked = { ["one.test A"] = 2 } })

t.case("T-056 ttl=inf asks once", function()
  leads("one.test", 3)
  k6.sleep(0.05)
  leads("one.test", 3)
end, { dns = world, options = { dns = { ttl = "inf" } }, asked = { ["one.test A"] = 1 } })

for _, wrong in ipairs({ "ttl=soon", "select=last", "policy=none", "speed=1" }) do
  t.case("T-056 a wrong setting stops the run: " .. wrong, function() end,
         { options = { dns = wrong }, code = 104, log = { { level = "error", has = "dns" } } })
end

t.case("T-056 a wrong flag, too", function() end,
       { flags = { "--dns", "ttl=soon" }, code = 255, log = { { has = "--dns.ttl" } } })

t.case("T-057 one cache for all VUs", function()
  t.equal(leads("two.test", 2)[1]:sub(1, 6), "127.1.", "two.test")
end, {
  dns = world, every = true, flags = { "--workers", "2" }, asked = { ["two.test A"] = 1 },
  options = { dns = { select = "roundRobin" },
              scenarios = { s = { executor = "per-vu-iterations", vus = 10, iterations = 2 } } },
  accepted = { ["127.1.0.1"] = 20, ["127.1.0.2"] = 20 },
})

t.case("T-057 failures are not cached", function()
  t.equal(leads("late.test", 2), { "ENOTFOUND", "127.1.0.1" }, "late.test")
end, { dns = world })

t.case("T-058 no address, none left, no name", function()
  local s = t.socket()
  for _, name in ipairs({ "nobody.test", "six.test", "" }) do
    t.refused({ method = "connect", code = "ENOTFOUND", has = "no such host" }, s.connect, s, 7000, name)
  end
end, { dns = world, options = { dns = { policy = "onlyIPv4" } },
       metrics = { tcp_errors = 3, tcp_socket_resolving = 3, tcp_socket_connecting = 0 } })

t.case("T-045 one address is tried, and no other", function()
  local list = leads("two.test", 4)
  table.sort(list)
  t.equal(list, { "127.1.0.2", "127.1.0.2", "ECONNREFUSED", "ECONNREFUSED" }, "four attempts")
end, { dns = { records = records, listen = { "127.1.0.2" }, port = 7000 },
       options = { dns = { select = "roundRobin" } },
       metrics = { tcp_errors = 2, tcp_sockets = 2, tcp_socket_connecting = 4 }, accepted = { ["127.1.0.2"] = 2 } })

t.case("T-060 /etc/hosts is honoured", function()
  t.equal(leads("only-here.test", 1), { "127.1.0.2" }, "only-here.test")
end, { dns = world, etc_hosts = "127.1.0.2 only-here.test\n", asked = { ["only-here.test A"] = 0 } })

t.case("T-179 ENETUNREACH where there is no route", function()
  t.refused({ method = "connect", code = "ENETUNREACH", has = "network is unreachable" }, t.connect, t.socket(), "FAR")
end, { dns = world, env = { FAR_HOST = "192.0.2.1", FAR_PORT = "80" } })

-- --- Where from. ---

t.case("T-059 VU n has address n - 1, modulo their number", function()
  local s = t.open("SILENT")
  local pool = { "127.0.0.10", "127.0.0.20", "127.0.0.21", "127.0.0.33", "127.0.0.34" } -- not .32 and .35
  t.equal(s.local_ip, pool[(__VU - 1) % 5 + 1], "local_ip")
  local again = t.open("SILENT")
  t.equal(again.local_ip, s.local_ip, "local_ip of another")
end, {
  flags = { "--local-ips", "127.0.0.10,127.0.0.20-127.0.0.21,127.0.0.32/30" }, every = true,
  setup = function()
    local s <close> = tcp.Socket.new()
    t.equal(t.connect(s, "SILENT").local_ip, "127.0.0.10", "local_ip in setup")
  end,
  options = { scenarios = { s = { executor = "per-vu-iterations", vus = 7, iterations = 1 } } },
  metrics = { tcp_sockets = 15 },
})

t.case("T-059 from the environment", function()
  t.equal(t.open("SILENT").local_ip, "127.0.0.77", "local_ip")
end, { system = { K6_LOCAL_IPS = "127.0.0.77" } })

t.case("T-059 an address that is none stops the run", function() end,
       { flags = { "--local-ips", "127.0.0.300" }, code = 255, log = { { has = "127.0.0.300" } } })

t.case("T-061 options of HTTP have no effect", function()
  local s = t.open("ECHO")
  s:write("x")
  t.equal(select(2, s:wait("data")), "x", "the echo")
end, { options = { rps = 1, noConnectionReuse = true, noVUConnectionReuse = true, userAgent = "x" },
       system = { http_proxy = "http://127.0.0.1:1", HTTPS_PROXY = "http://127.0.0.1:1",
           ALL_PROXY = "socks5://127.0.0.1:1" },
       metrics = { tcp_sockets = 1, tcp_errors = 0 } })

options, default, setup, teardown = t.suite()
