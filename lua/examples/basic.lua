-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- The basic example of the k6/x/tcp documentation: one socket, its events, one message.
--
--   ringload run --serve echo lua/examples/basic.lua
--   ringload run -e HOST=10.0.0.1 -e PORT=7 lua/examples/basic.lua

local tcp = require("k6/x/tcp")

local host = __ENV.HOST or __ENV.SERVE_HOST or "localhost"
local port = __ENV.PORT or __ENV.SERVE_PORT or 8080

function default()
  local socket = tcp.Socket.new()

  socket:on("connect", function()
    print("connected to " .. socket.remote_ip .. ":" .. socket.remote_port)
  end)

  socket:on("data", function(data) -- a Lua string with whatever bytes have arrived
    print("received " .. data)
    socket:destroy()
  end)

  socket:on("error", function(err) -- { name = "TCPError", method =, message =, code = }
    console.error(err)
  end)

  socket:on("close", function()
    print("closed")
  end)

  -- connect and write wait: this code stands still meanwhile, handlers run. Where they fail they
  -- raise a TCPError; nobody catches it here, so it ends the iteration.
  socket:connect(port, host)
  socket:write("Hello, TCP!")

  -- An open socket keeps its iteration going, until destroy or the end of the run.
  socket:wait("close")
end
