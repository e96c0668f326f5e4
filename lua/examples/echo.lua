-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- Each VU keeps one connection to an echo server and sends the next message when the last one has
-- come back. Without a server at hand:
--
--   ringload run --serve echo --vus 1000 --duration 10s lua/examples/echo.lua
--
-- With one: -e HOST=... -e PORT=..., and -e SIZE=1024 for larger messages.

local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")

-- What stands outside of functions runs once for each VU, before the test: metrics are made here.
local round_trips = metrics.Counter("echo_round_trips")

local host = __ENV.HOST or __ENV.SERVE_HOST or "localhost"
local port = __ENV.PORT or __ENV.SERVE_PORT or 8080
local message = string.rep("x", tonumber(__ENV.SIZE) or 64)
local messages = 100 -- of one connection

options = {
  vus = 10,
  duration = "5s",
}

-- One iteration: connect, 100 round trips, close.
function default()
  local socket = tcp.Socket.new()
  local returned, received = 0, 0

  -- TCP is a stream: one answer may come in pieces, so count bytes.
  socket:on("data", function(data)
    received = received + #data
    if received < #message then
      return
    end
    received = 0
    returned = returned + 1
    if returned < messages then
      socket:write(message)
    else
      socket:destroy()
    end
  end)

  socket:connect(port, host)
  socket:write(message)
  socket:wait("close")
  round_trips:add(returned)
  k6.check(returned, { ["all messages came back"] = function(n) return n == messages end })
end
