-- A script of ordinary size whose VUs connect and then wait: what does a VU cost in memory?
-- It would log in, answer pings and count what it meets, if the server ever said anything.
local tcp = require("k6/x/tcp")

local prefix, last = string.match(__ENV.HOST or "127.0.0.1", "^(.*%.)(%d+)$")
local host = prefix .. (last + (__VU - 1) % tonumber(__ENV.ADDRESSES or "1"))
local port = tonumber(__ENV.PORT)

options = {
  scenarios = {
    idle = {
      executor = "constant-vus",
      vus = tonumber(__ENV.VUS or "1"),
      duration = __ENV.DURATION or "5s",
      gracefulStop = "0s",
    },
  },
}

local seen = { lines = 0, pings = 0, timeouts = 0, errors = 0 }

local commands = {
  PING = function(s, argument)
    seen.pings = seen.pings + 1
    s:write("PONG " .. argument .. "\n")
  end,
  BYE = function(s)
    s:destroy()
  end,
}

local function on_line(s, line)
  local name, argument = string.match(line, "^(%u+) ?(.*)$")
  local command = commands[name]

  seen.lines = seen.lines + 1
  if command then
    command(s, argument)
  end
end

function default()
  local s = tcp.Socket.new{ tags = { endpoint = "idle" } }
  local rest = ""

  s:on("data", function(d)
    rest = rest .. d
    for line in string.gmatch(rest, "([^\n]*)\n") do
      on_line(s, line)
    end
    rest = string.match(rest, "([^\n]*)$")
  end)
  s:on("timeout", function()
    seen.timeouts = seen.timeouts + 1
  end)
  s:on("error", function(e)
    seen.errors = seen.errors + 1
    print(e.method, e.message, e.code)
  end)
  s:on("close", function()
    rest = ""
  end)
  s:set_timeout(600000)
  s:connect{ host = host, port = port, tls = __ENV.TLS ~= nil }
end
