-- A closed loop: each VU has one connection and one message under way, for as long as the run
-- lasts. The iteration never ends by itself: the end of the run interrupts it.
local tcp = require("k6/x/tcp")

local size = tonumber(__ENV.SIZE or "64")
local message = string.rep("x", size)
local prefix, last = string.match(__ENV.HOST or "127.0.0.1", "^(.*%.)(%d+)$")
local host = prefix .. (last + (__VU - 1) % tonumber(__ENV.ADDRESSES or "1"))
local port = tonumber(__ENV.PORT)

options = {
  scenarios = {
    echo = {
      executor = "constant-vus",
      vus = tonumber(__ENV.VUS or "1"),
      duration = __ENV.DURATION or "5s",
      gracefulStop = "0s",
    },
  },
}

function default()
  local s = tcp.Socket.new()
  local got = 0 -- of a reply that came in pieces

  s:on("data", function(d)
    if got == 0 and #d == size then
      s:write(d)
      return
    end
    got = got + #d
    while got >= size do
      got = got - size
      s:write(message)
    end
  end)
  s:connect{ host = host, port = port, tls = __ENV.TLS ~= nil }
  s:write(message)
end
