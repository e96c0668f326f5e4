-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 14: log lines. The bodies make something happen; what is logged is checked by the driver.
local t = require("./lib.lua")
local k6 = require("k6")

local function line(level, fields)
  fields.level = level
  fields.module = "tcp"
  return fields
end

t.case("T-210 connect failures, handled or not", function()
  local silent, handled = t.socket(), t.socket()
  t.watch(handled)
  t.refused({ code = "ECONNREFUSED" }, t.connect, silent, "REFUSED")
  t.refused({ code = "ECONNREFUSED" }, t.connect, handled, "REFUSED")
  t.refused({ code = "EINVAL" }, silent.connect, silent, "x")
  t.refused({ code = "ENOTFOUND" }, silent.connect, silent, 80, "")
end, { log = { line("error", { method = "connect", code = "ECONNREFUSED", has = "connection refused", times = 2 }),
               line("error", { method = "connect", code = "EINVAL", has = "invalid port" }),
               line("error", { method = "connect", code = "ENOTFOUND", has = "no such host" }) } })

t.case("T-210 refused writes and read errors", function()
  local s = t.socket()
  t.watch(s)
  t.connect(s, "RST")
  t.refused({ code = "EINVAL" }, s.write, s, 5)
  s:write("x")
  s:wait("close")
end, { log = { line("error", { method = "write", has = "invalid type" }),
               line("error", { method = "read", code = "ECONNRESET", has = "connection reset by peer" }) } })

t.case("T-210 nothing where nothing fails", function()
  local s = t.open("ECHO")
  s:write("x")
  s:wait("data")
  pcall(s.write, t.socket(), "x") -- no active connection
  local ended = t.open("FIN")
  ended:wait("close")
end, { quiet = true })

t.case("T-211 a read error that nobody handles has its line", function()
  local s = t.open("RST")
  s:write("x")
  s:wait("close")
end, { log = { line("error", { method = "read", at_least = 1 }) } })

t.case("T-212 a write that fails", function()
  local s = t.open("RST_LATER")
  pcall(s.write, s, ("x"):rep(16 << 20))
  s:wait("close")
end, { log = { line("error", { method = "write", has = "bytes accepted" }) } })

t.case("T-213 an unknown event, a handler replaced", function()
  local s = t.socket()
  s:on("drain", print)
  s:on("data", print)
  s:on("data", print)
end, { log = { line("warning", { event = "drain" }), line("warning", { event = "data" }) } })

t.case("T-214 what happens, at level debug", function()
  local s = t.socket()
  s:on("data", function() end)
  s:set_timeout(10000)
  t.connect(s, "ECHO")
  s:write("hello")
  t.eventually(function() return s.bytes_read == 5 end, "the echo")
  s:set_timeout(20)
  k6.sleep(0.1)
  s:set_timeout(0)
  s:destroy()
  s:wait("close")
end, { flags = { "--verbose" }, log = {
  line("debug", { has = "connecting to" }), line("debug", { has = "connected" }),
  line("debug", { has = "5 bytes read" }),
  line("debug", { has = "5 bytes written" }), line("debug", { has = "handler of data registered" }),
  line("debug", { has = "data fired" }), line("debug", { has = "timeout set to 10000 ms", at_least = 1 }),
  line("debug", { has = "timeout occurred", at_least = 1 }), line("debug", { has = "timeout disabled" }),
} })

t.case("T-214 not without --verbose", function()
  local s = t.open("ECHO")
  s:write("x")
  s:wait("data")
end, { quiet = true })

t.case("T-215 many failures of a kind are few lines", function()
  local s = t.socket()
  for _ = 1, 300 do
    t.refused({ code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
  end
  t.refused({ code = "EINVAL" }, s.write, s, 5)
end, { metrics = { tcp_errors = 301 }, alone = true, log = {
  line("error", { method = "connect", at_least = 1, at_most = 60 }), line("error", { method = "write" }),
  { has = "more lines of this kind were not printed: tcp connect ECONNREFUSED" },
  line("warning", { method = "connect", code = "ECONNREFUSED", has = "300 in all" }),
} })

t.case("T-215 the next line tells how many were left out", function()
  local s = t.socket()
  for _ = 1, 20 do
    t.refused({ code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
  end
  k6.sleep(1.1)
  t.refused({ code = "ECONNREFUSED" }, t.connect, s, "REFUSED")
end, { log = { line("error", { method = "connect", with = "suppressed", at_least = 1 }) } })

t.case("T-216 an uncaught failure, with executor and scenario", function()
  t.connect(t.socket(), "REFUSED")
end, { after = function() end, uncaught = 1, log = {
  { level = "error", source = "stacktrace", executor = "per-vu-iterations", scenario = "cases",
    has = "TCP error during connect: " },
} })

t.case("T-216 an ordinary error, with its traceback", function()
  local s = t.socket()
  s:on("connect", function() error("on purpose") end)
  t.connect(s, "ECHO")
  k6.sleep(1)
end, { after = function() end, uncaught = 1, log = {
  { level = "error", source = "stacktrace", executor = "per-vu-iterations", scenario = "cases", has = "on purpose" },
  { source = "stacktrace", has = "stack traceback" },
} })

options, default, setup, teardown = t.suite()
