-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 6: write.
local t = require("./lib.lua")
local k6 = require("k6")

local BIG = ("0123456789abcdef"):rep(1 << 20) -- more than the kernel takes from one socket

-- What the echo server sends back of s:write(data, options).
local function echoed(s, seen, data, options, expected)
  local before = #seen.data
  s:write(data, options)
  t.eventually(function() return #seen.data - before >= #expected end, "the echo")
  t.equal(seen.data:sub(before + 1), expected, "the echo")
end

local function echo()
  local s = t.socket()
  local seen = t.watch(s)
  return t.connect(s, "ECHO"), seen
end

t.case("T-090 write returns nothing once the kernel has the bytes", function()
  local s, seen = echo()
  t.equal(select("#", s:write("hello")), 0, "number of results")
  t.equal(s.bytes_written, 5, "bytes_written")
  t.eventually(function() return seen.data == "hello" end, "the echo")
  s:write("more", nil)
  s:write("still", { tags = { a = "b" } })
  t.equal(s.bytes_written, 14, "bytes_written")
end, { metrics = { tcp_writes = 3, data_sent = 14 } })

t.case("T-090 the peer need not have read", function()
  local s = t.open("NEVER_READ")
  s:write(("x"):rep(10000))
  t.equal(s.bytes_written, 10000, "bytes_written")
end)

local function wrong_types(id)
  return function()
    local s, seen = echo()
    for _, wrong in ipairs({ 5, 1.5, true, false, {}, print, s }) do
      t.refused({ method = "write", code = "EINVAL", has = "invalid type" }, s.write, s, wrong)
    end
    t.refused({ method = "write", code = "EINVAL", has = "invalid type" }, s.write, s, nil)
    t.equal(#seen.errors, 8, "error events (" .. id .. ")")
    t.equal(s.connected, true, "connected")
    echoed(s, seen, "still open", nil, "still open")
  end
end

t.case("T-091 data that is no string", wrong_types("T-091"), { metrics = { tcp_errors = 8, tcp_writes = 1 } })
t.case("T-091L numbers are not made strings", wrong_types("T-091L"), { metrics = { tcp_errors = 8, tcp_writes = 1 } })

t.case("T-092 no data argument", function()
  local s = t.open("ECHO")
  t.refused({ method = "write", code = "EINVAL", has = "invalid type" }, s.write, s)
end, { metrics = { tcp_errors = 1, tcp_writes = 0 } })

t.case("T-093 encoding names in any case", function()
  local s, seen = echo()
  echoed(s, seen, "68656C6c6f", { encoding = "HeX" }, "hello")
  echoed(s, seen, "aGVsbG8=", { encoding = "BASE64" }, "hello")
  echoed(s, seen, "_-8", { encoding = "Base64URL" }, "\xff\xef")
  echoed(s, seen, "plain", { encoding = "UTF-8" }, "plain")
  echoed(s, seen, "plain", { encoding = "Ascii" }, "plain")
end)

t.case("T-094 utf8, ascii and none send bytes as they are", function()
  local s, seen = echo()
  local bytes = {}
  for i = 0, 255 do
    bytes[#bytes + 1] = string.char(i)
  end
  local all = table.concat(bytes)
  for _, options in ipairs({ {}, { encoding = "utf8" }, { encoding = "utf-8" }, { encoding = "ascii" },
                             { encoding = "" } }) do
    echoed(s, seen, all, options, all)
  end
  echoed(s, seen, "zażółć", { encoding = "ascii" }, "zażółć")
end)

t.case("T-095 hex", function()
  local s, seen = echo()
  echoed(s, seen, "00ff7F80", { encoding = "hex" }, "\0\xff\x7f\x80")
  echoed(s, seen, "48656c6c6f", { encoding = "hex" }, "Hello")
  for _, wrong in ipairs({ "abc", "zz", "0x41", "41 42", "4" }) do
    t.refused({ method = "write", code = "EINVAL" }, s.write, s, wrong, { encoding = "hex" })
  end
end, { metrics = { tcp_errors = 5, tcp_writes = 2 } })

t.case("T-096 base64", function()
  local s, seen = echo()
  echoed(s, seen, "/+8=", { encoding = "base64" }, "\xff\xef")
  echoed(s, seen, "aGVs\r\nbG8=\n", { encoding = "base64" }, "hello")
  echoed(s, seen, "aGVs\r\nbG8", { encoding = "base64url" }, "hello")
  for _, wrong in ipairs({ "aGVsbG8", "_-8=", "aGVsbG8==", "a", "aGV=bG8=", "aGVs bG8=" }) do
    t.refused({ method = "write", code = "EINVAL" }, s.write, s, wrong, { encoding = "base64" })
  end
end, { metrics = { tcp_errors = 6, tcp_writes = 3 } })

t.case("T-097 base64url, with padding or without", function()
  local s, seen = echo()
  echoed(s, seen, "_-8", { encoding = "base64url" }, "\xff\xef")
  echoed(s, seen, "_-8=", { encoding = "base64url" }, "\xff\xef")
  echoed(s, seen, "aGVsbG8h", { encoding = "base64url" }, "hello!")
  for _, wrong in ipairs({ "/+8=", "a", "_-8==" }) do
    t.refused({ method = "write", code = "EINVAL" }, s.write, s, wrong, { encoding = "base64url" })
  end
end)

t.case("T-098 other encodings", function()
  local s = t.open("ECHO")
  for _, name in ipairs({ "latin1", "binary", "utf16le", "ucs2", "hexx" }) do
    local e = t.refused({ method = "write", code = "EINVAL", has = "unsupported encoding" }, s.write, s, "x",
                        { encoding = name })
    t.has(e.message, name, "the message")
  end
end, { metrics = { tcp_errors = 5, tcp_writes = 0 } })

t.case("T-099 data and encoding are looked at before the connection", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.refused({ method = "write", code = "EINVAL", has = "invalid type" }, s.write, s, 5)
  t.refused({ method = "write", code = "EINVAL", has = "unsupported encoding" }, s.write, s, "x",
            { encoding = "latin1" })
  t.refused({ method = "write", code = "EINVAL" }, s.write, s, "x", { encoding = "hex" })
  t.equal(seen.text(), "error EINVAL error EINVAL error EINVAL", "events")
  t.equal(s.ready_state, "disconnected", "ready_state")
end, { metrics = { tcp_errors = 3, tcp_writes = 0 },
       log = { { level = "error", module = "tcp", method = "write", times = 3 } } })

t.case("T-100 options that are not a table", function()
  local s = t.open("ECHO")
  for _, wrong in ipairs({ 5, "hex", true, print }) do
    t.raises("bad argument", s.write, s, "x", wrong)
  end
  s:write("x", nil)
  s:write("x", {})
  s:write("x", { unknown = 1, [1] = 2 })
end, { metrics = { tcp_errors = 0, tcp_writes = 3 }, quiet = true })

t.case("T-101 without a connection", function()
  local never, failed, ended, destroyed = t.socket(), t.socket(), t.socket(), t.socket()
  t.refused({ code = "ECONNREFUSED" }, t.connect, failed, "REFUSED")
  t.connect(ended, "FIN")
  ended:wait("close")
  t.connect(destroyed, "ECHO")
  destroyed:destroy()
  for i, s in ipairs({ never, failed, ended, destroyed }) do
    local seen = t.watch(s)
    t.refused({ method = "write", code = "ENOTCONN", has = "no active connection" }, s.write, s, "x")
    t.refused({ method = "write", code = "ENOTCONN", has = "no active connection" }, s.write, s, "")
    t.settle()
    t.equal(#seen.errors, 0, "error events of socket " .. i)
  end
end, { metrics = { tcp_errors = 1, tcp_writes = 0 },
       log = { { module = "tcp", level = "error", method = "write", times = 0 } } })

t.case("T-102 while opening", function()
  local s = t.socket()
  local host, port = t.peer("ECHO")
  local tried
  k6.spawn(function() s:connect(port, host) end)
  k6.spawn(function()
    t.equal(s.ready_state, "opening", "ready_state")
    t.refused({ method = "write", code = "ENOTCONN", has = "no active connection" }, s.write, s, "x")
    tried = true
  end)
  t.eventually(function() return s.connected and tried end, "the connection")
  s:write("now")
end, { metrics = { tcp_errors = 0, tcp_writes = 1, data_sent = 3 } })

t.case("T-103 empty data", function()
  local s = t.open("SILENT")
  s:write("")
  s:write("", { encoding = "hex" })
  t.equal(s.bytes_written, 0, "bytes_written")
end, { metrics = { tcp_writes = 2, data_sent = 0, tcp_errors = 0 }, server = { SILENT = { accepted = 1,
       bytes_in = 0 } } })

t.case("T-104 calls are not reordered nor mixed", function()
  local s, seen = echo()
  local expected, left = {}, 60
  for i = 1, 60 do
    local piece = (string.char(i + 32)):rep(i * 97)
    expected[i] = piece
    k6.spawn(function()
      s:write(piece)
      left = left - 1
    end)
  end
  expected = table.concat(expected)
  t.eventually(function() return left == 0 and #seen.data >= #expected end, "all of it")
  t.yes(seen.data == expected, "the bytes came in another order")
end, { metrics = { tcp_writes = 60 } })

t.case("T-104 large ones neither", function()
  local s, seen = echo()
  local ends = {}
  for i = 1, 5 do
    k6.spawn(function()
      s:write((string.char(64 + i)):rep(300000))
      ends[#ends + 1] = i
    end)
  end
  t.eventually(function() return #seen.data == 1500000 end, "all of it")
  t.equal(ends, { 1, 2, 3, 4, 5 }, "the order of the ends")
  for i = 1, 5 do
    local part = seen.data:sub((i - 1) * 300000 + 1, i * 300000)
    t.yes(part == (string.char(64 + i)):rep(300000), "part " .. i .. " is mixed")
  end
end, { metrics = { tcp_writes = 5 } })

t.case("T-105 partial sends are continued", function()
  local s = t.open("SLOW_READER")
  local begin = t.now()
  s:write(BIG)
  t.yes(t.now() - begin >= 0.25, "the kernel took all of it at once")
  t.equal(s.bytes_written, #BIG, "bytes_written")
end, { metrics = { tcp_writes = 1, data_sent = 16 << 20, tcp_partial_writes = 0, tcp_errors = 0 },
       server = { SLOW_READER = { accepted = 1, bytes_in = 16 << 20, fins = 1 } } })

t.case("T-105 the option timeout bounds a write", function()
  local s = t.open("NEVER_READ")
  local begin = t.now()
  t.refused({ method = "write", code = "ETIMEDOUT" }, s.write, s, BIG, { timeout = 150 })
  t.yes(t.now() - begin >= 0.15, "too early")
  t.yes(t.now() - begin < 5 * t.slowdown, "too late")
  t.yes(s.bytes_written > 0, "bytes_written")
end, { metrics = { tcp_writes = 1, tcp_partial_writes = 1, tcp_errors = 1 } })

t.case("T-105 a write within its timeout", function()
  local s, seen = echo()
  s:write("hello", { timeout = 5000 })
  t.eventually(function() return seen.data == "hello" end, "the echo")
  for _, wrong in ipairs({ {}, true, "soon" }) do
    local ok = pcall(s.write, s, "x", { timeout = wrong })
    t.equal(ok, false, "a write with such a timeout")
  end
end)

-- A write that fails when some of it was accepted: the error, the socket, its record.
local function broken_write()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "RST_LATER")
  local ok, e = pcall(s.write, s, BIG)
  t.equal(ok, false, "the write's success")
  s:wait("close")
  return e, s, seen
end

t.case("T-106 a failure mid-write raises, without an error event of its own", function()
  local e, _, seen = broken_write()
  t.is_error(e, { method = "write" })
  t.yes(e.code == "ECONNRESET" or e.code == "EPIPE", "the code is " .. e.code)
  t.equal(seen.text(), "connect error ECONNRESET close", "events")
  t.equal(seen.errors[1].method, "read", "the method of the event")
end, { metrics = { tcp_writes = 1, tcp_errors = 2, tcp_socket_duration = 1 },
       log = { { level = "error", module = "tcp", method = "write" }, { level = "error", module = "tcp",
           method = "read" } } })

-- The kernel may tell the receive first, or a send that keeps it to itself.
t.case("T-106 T-153 whoever hears of the reset first, it is one", function()
  local tasks, data = {}, ("x"):rep(6 << 20)
  for i = 1, 10 do
    tasks[i] = function()
      local s = t.socket()
      local seen = t.watch(s)
      t.connect(s, "RST_LATER")
      local _, e = pcall(s.write, s, data)
      s:wait("close")
      t.yes(e.code == "ECONNRESET" or e.code == "EPIPE", "the code of write " .. i .. " is " .. e.code)
      t.equal(seen.text(), "connect error ECONNRESET close", "events of socket " .. i)
    end
  end
  k6.all(tasks)
end, { metrics = { tcp_writes = 10, tcp_errors = 20, tcp_socket_duration = 10 } })

t.case("T-107 the error tells how many bytes were accepted", function()
  local e, s = broken_write()
  t.equal(e.name, "TCPError", "name")
  t.equal(e.method, "write", "method")
  t.has(e.message, ("%d of %d bytes"):format(s.bytes_written, #BIG), "the message")
  t.yes(s.bytes_written > 0 and s.bytes_written < #BIG, "bytes_written")
end)

t.case("T-108 a partial write is counted", function()
  broken_write()
end, { metrics = { tcp_partial_writes = 1, tcp_writes = 1 } })

t.case("T-108 what was never begun is none", function()
  local s = t.open("NEVER_READ")
  local ends = 0
  k6.spawn(function() pcall(s.write, s, BIG) ends = ends + 1 end)
  k6.spawn(function() pcall(s.write, s, "behind it") ends = ends + 1 end)
  t.settle()
  s:destroy()
  t.eventually(function() return ends == 2 end, "both failures")
end, { metrics = { tcp_writes = 2, tcp_partial_writes = 1, tcp_errors = 0 } })

t.case("T-109 a blocked write ends with the VU", function()
  local s = t.open("NEVER_READ")
  t.ok()
  local ok, e = pcall(s.write, s, BIG)
  error("the write came back: " .. tostring(ok) .. tostring(e))
end, {
  options = { scenarios = { s = { executor = "constant-vus", vus = 1, duration = "1s", gracefulStop = "0s" } } },
  seconds = 4, lasts = 1, metrics = { iterations = 0, tcp_writes = 0, tcp_errors = 0, data_sent = { at_least = 1 } },
})

t.case("T-110 what is sent is what the string was", function()
  local s, seen = echo()
  local done
  k6.spawn(function()
    s:write(("immutable "):rep(20000))
    done = true
  end)
  k6.sleep(0)
  for i = 1, 2000 do
    seen.junk = ("x"):rep(1000 + i)
  end
  t.eventually(function() return done and #seen.data == 200000 end, "the echo")
  t.yes(seen.data == ("immutable "):rep(20000), "other bytes were sent")
end)

options, default, setup, teardown = t.suite()
