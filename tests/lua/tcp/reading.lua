-- SPDX-License-Identifier: GPL-3.0-or-later
-- Section 8: reading, FIN, RST, half-close.
local t = require("./lib.lua")
local k6 = require("k6")
local tcp = require("k6/x/tcp")

-- The chunks of a burst of 10,000 bytes.
local function burst(options)
  local s = t.socket(options)
  local seen = t.watch(s)
  t.connect(s, "BURST")
  t.eventually(function() return #seen.data == 10000 end, "10,000 bytes")
  return s, seen
end

t.case("T-150 reading needs no request; a chunk has at most 16384 bytes", function()
  local s, seen = burst()
  for _, size in ipairs(seen.chunks) do
    t.yes(size >= 1 and size <= 16384, "a chunk of " .. size .. " bytes")
  end
  t.equal(s.bytes_read, 10000, "bytes_read")
end, { metrics = { data_received = 10000 } })

t.case("T-150 read_size bounds a chunk; each is one tcp_reads", function()
  local _, seen = burst({ read_size = 1000 })
  t.yes(#seen.chunks >= 10, "only " .. #seen.chunks .. " chunks")
  for _, size in ipairs(seen.chunks) do
    t.yes(size <= 1000, "a chunk of " .. size .. " bytes")
  end
end, { metrics = { tcp_reads = { at_least = 10 }, data_received = 10000 } })

t.case("T-150 as k6: 4096, 4096, 1808", function()
  local _, seen = burst({ read_size = 4096 })
  t.equal(seen.chunks, { 4096, 4096, 1808 }, "the chunks")
end, { metrics = { tcp_reads = 3, data_received = 10000 } })

t.case("T-150 a message of one piece is one chunk", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "ECHO")
  for i = 1, 5 do
    s:write(("x"):rep(i))
    t.eventually(function() return #seen.chunks == i end, "the echo")
    t.equal(seen.chunks[i], i, "the size of chunk " .. i)
  end
end, { metrics = { tcp_reads = 5 } })

t.case("T-150 read_size must be a number of bytes", function()
  for _, wrong in ipairs({ 0, -1, 1.5, "many", {}, true }) do
    t.raises("read_size", tcp.Socket.new, { read_size = wrong })
  end
  t.equal(tcp.Socket.new({ read_size = 1 }).ready_state, "disconnected", "ready_state")
end)

t.case("T-151 the peer's FIN closes both ways", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "SHUT_WR")
  s:write("hello")
  s:wait("close")
  t.equal(seen.text(), "connect data close", "events")
  t.equal(seen.data, "hello", "data")
  t.equal(s.ready_state, "destroyed", "ready_state")
  t.refused({ method = "write", code = "ENOTCONN" }, s.write, s, "x")
end, { metrics = { tcp_errors = 0, tcp_socket_duration = 1 },
       server = { SHUT_WR = { accepted = 1, fins = 1, resets = 0, bytes_in = 0 } } })

t.case("T-152 there is no half-close", function()
  local s = t.open("ECHO")
  t.equal(s["end"], nil, "end")
  t.equal(s.allow_half_open, nil, "allow_half_open")
  s:write("x")
  t.equal(select(2, s:wait("data")), "x", "the echo")
  s:destroy()
end, { server = { ECHO = { accepted = 1, resets = 0, bytes_in = 1 } } })

t.case("T-153 RST: error line, tcp_errors, error, close", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "RST")
  s:write("x")
  s:wait("close")
  t.equal(seen.text(), "connect error ECONNRESET close", "events")
  t.is_error(seen.errors[1], { method = "read", code = "ECONNRESET", has = "connection reset by peer" })
  t.equal(s.ready_state, "destroyed", "ready_state")
end, { metrics = { tcp_errors = 1, tcp_socket_duration = 1, tcp_reads = 0 },
       log = { { level = "error", module = "tcp", method = "read", has = "connection reset by peer" } } })

t.case("T-154 data together with FIN comes first", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "FIN_AFTER_REPLY")
  s:write("hello")
  s:wait("close")
  t.equal(seen.text(), "connect data close", "events")
  t.equal(seen.data, "hello", "data")
end, { metrics = { tcp_errors = 0, data_received = 5 } })

t.case("T-154 an immediate FIN: connect, close", function()
  local s = t.socket()
  local seen = t.watch(s)
  t.connect(s, "FIN")
  s:wait("close")
  t.equal(seen.text(), "connect close", "events")
end, { metrics = { tcp_errors = 0, tcp_sockets = 1, tcp_socket_duration = 1 } })

t.case("T-155 reading stops while handlers are slow", function()
  local s = t.socket()
  local waiting = true
  s:on("data", function()
    t.eventually(function() return not waiting end, "the end", 8)
  end)
  t.connect(s, "SOURCE")
  k6.sleep(0.3)
  local before = s.bytes_read
  k6.sleep(0.3)
  t.equal(s.bytes_read, before, "bytes_read after 300 ms more")
  t.yes(before > 0, "nothing was read")
  waiting = false
  t.eventually(function() return s.bytes_read > before end, "reading goes on")
end)

t.case("T-156 FIN and RST never leave it open", function()
  for _, peer in ipairs({ "FIN", "RST", "FIN_AFTER_REPLY", "SHUT_WR" }) do
    local s = t.open(peer) -- no handlers at all
    pcall(s.write, s, "x")
    t.eventually(function() return s.ready_state == "destroyed" end, "the end of " .. peer)
    t.equal(s.connected, false, "connected")
    t.equal(s.remote_port, nil, "remote_port")
  end
end)

options, default, setup, teardown = t.suite()
