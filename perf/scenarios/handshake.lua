-- An iteration is a connection: connect, TLS handshake, close_notify and close.
local tcp = require("k6/x/tcp")

local prefix, last = string.match(__ENV.HOST or "127.0.0.1", "^(.*%.)(%d+)$")
local host = prefix .. (last + (__VU - 1) % tonumber(__ENV.ADDRESSES or "1"))
local port = tonumber(__ENV.PORT)

options = {
  scenarios = {
    handshake = {
      executor = "constant-vus",
      vus = tonumber(__ENV.VUS or "1"),
      duration = __ENV.DURATION or "5s",
      gracefulStop = "0s",
    },
  },
}

function default()
  local s = tcp.Socket.new()

  s:connect{ host = host, port = port, tls = true }
  s:destroy()
  s:wait("close")
end
