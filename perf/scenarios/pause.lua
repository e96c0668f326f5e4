-- A crowd of which few do anything: all VUs are connected, ACTIVE of them echo every PERIOD milliseconds. Nothing is
-- parked: the idle timeout of the socket says when to write.
local tcp = require("k6/x/tcp")

local prefix, last = string.match(__ENV.HOST or "127.0.0.1", "^(.*%.)(%d+)$")
local host = prefix .. (last + (__VU - 1) % tonumber(__ENV.ADDRESSES or "1"))
local port = tonumber(__ENV.PORT)
local period_ms = tonumber(__ENV.PERIOD or "20")
local active = __VU <= tonumber(__ENV.ACTIVE or "1000")
local message = string.rep("x", tonumber(__ENV.SIZE or "64"))

options = {
  scenarios = {
    pause = {
      executor = "constant-vus",
      vus = tonumber(__ENV.VUS or "1"),
      duration = __ENV.DURATION or "5s",
      gracefulStop = "0s",
    },
  },
}

function default()
  local s = tcp.Socket.new()

  s:on("timeout", function()
    s:write(message)
  end)
  s:on("data", function() end) -- a late answer comes together with the next one
  if active then s:set_timeout(period_ms) end
  s:connect{ host = host, port = port }
end
