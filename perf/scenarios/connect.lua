-- An iteration is a connection: connect, one message, its echo, close.
local tcp = require("k6/x/tcp")

local size = tonumber(__ENV.SIZE or "64")
local message = string.rep("x", size)
local prefix, last = string.match(__ENV.HOST or "127.0.0.1", "^(.*%.)(%d+)$")
local host = prefix .. (last + (__VU - 1) % tonumber(__ENV.ADDRESSES or "1"))
local port = tonumber(__ENV.PORT)
local tls = __ENV.TLS ~= nil

options = {
  scenarios = {
    connect = {
      executor = "constant-vus",
      vus = tonumber(__ENV.VUS or "1"),
      duration = __ENV.DURATION or "5s",
      gracefulStop = "0s",
    },
  },
}

function default()
  local s = tcp.Socket.new()
  local got = 0

  s:on("data", function(d)
    got = got + #d
    if got == size then
      s:destroy()
    elseif got > size then
      error("more came back than was sent")
    end
  end)
  s:connect{ host = host, port = port, tls = tls }
  s:write(message)
  s:wait("close")
end
