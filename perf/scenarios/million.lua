-- Very many VUs, each with an open connection, each echoing once a minute. Nothing is parked: the idle timeout of the
-- socket says when to write, and the script has returned by then.
local tcp = require("k6/x/tcp")

local host, port = __ENV.HOST or "127.0.0.1", tonumber(__ENV.PORT)
local period_ms = 1000 * tonumber(__ENV.PERIOD or "60")
local message = string.rep("x", tonumber(__ENV.SIZE or "64"))
local quiet_ms = 1000 * tonumber(__ENV.FIRST or "1")
local first_ms = quiet_ms + __VU * 7919 % (period_ms - 1000) -- so that they do not echo as they connected

options = {
  scenarios = {
    million = {
      executor = "constant-vus",
      vus = tonumber(__ENV.VUS or "1000"),
      duration = __ENV.DURATION or "60s",
      gracefulStop = "0s",
    },
  },
}

function default()
  local s = tcp.Socket.new()

  s:on("timeout", function()
    s:set_timeout(period_ms)
    s:write(message)
  end)
  s:on("data", function(d)
    if #d > #message then error("more came back than was sent") end
  end)
  s:set_timeout(first_ms)
  s:connect{ host = host, port = port }
end
