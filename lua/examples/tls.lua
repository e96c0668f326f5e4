-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- GET over TLS, by two connections: the second takes up the session of the first.
--
--   ringload run -e TLS_HOST=example.com lua/examples/tls.lua
--   ringload run -e TLS_HOST=127.0.0.1 -e TLS_PORT=8443 -e TLS_CA=ca.pem lua/examples/tls.lua
--
-- TLS_CA is what signed the server's certificate; without it the system's roots are trusted. For a server
-- of which nothing is to be verified there is the flag --insecure-skip-tls-verify.

local tcp = require("k6/x/tcp")
local k6 = require("k6")

local host = __ENV.TLS_HOST or "127.0.0.1"
local port = __ENV.TLS_PORT or 443
local ca = __ENV.TLS_CA and open(__ENV.TLS_CA)

options = {
  vus = 10,
  duration = "5s",
}

local function get()
  local socket <close> = tcp.Socket.new()
  local reply = ""

  socket:on("data", function(chunk) reply = reply .. chunk end)
  socket:connect({
    host = host,
    port = port,
    tls = true,            -- the handshake is part of connect, and of tcp_socket_connecting
    ca = ca,
    alpn = { "http/1.1" }, -- what k6 offers, and the default
    tls_resume = true,     -- each VU keeps its sessions; without it each handshake is a full one
  })
  socket:write(("GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"):format(host))

  local resumed = socket.tls_resumed -- properties are gone when the socket is closed
  socket:wait("close", 10000)
  k6.check(reply, { ["is a reply"] = function(r) return r:find("^HTTP/1.1 ") ~= nil end })
  return resumed
end

function default()
  get()
  local resumed = get()
  k6.check(resumed, { ["took up the session"] = function(r) return r end })
  k6.sleep(0.1)
end
