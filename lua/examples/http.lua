-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- HTTP/1.1 over a raw socket: several GETs on one connection (keep-alive), against nginx say.
--
--   ringload run -e HTTP_HOST=127.0.0.1 -e HTTP_PORT=80 lua/examples/http.lua
--   ringload run --serve http lua/examples/http.lua

local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")

local host = __ENV.HTTP_HOST or __ENV.SERVE_HOST or "127.0.0.1"
local port = __ENV.HTTP_PORT or __ENV.SERVE_PORT or 80
local path = __ENV.HTTP_PATH or "/"
local requests = 10 -- on one connection
local body_bytes = metrics.Trend("http_body_bytes")

options = {
  vus = 10,
  duration = "5s",
}

local request = table.concat({
  "GET " .. path .. " HTTP/1.1",
  "Host: " .. host,
  "User-Agent: ringload",
  "Connection: keep-alive",
  "", "",
}, "\r\n")

-- Append what arrives next.
local function more(socket, buffer)
  local ok, data = socket:wait("data", 5000)
  if not ok then
    k6.fail("the answer does not end: " .. data) -- "timeout", or "closed" by the server
  end
  return buffer .. data
end

-- Read one answer: its status, its body, and what is behind it in the buffer.
local function read_response(socket, buffer)
  local head_end
  repeat
    head_end = select(2, buffer:find("\r\n\r\n", 1, true))
    if not head_end then
      buffer = more(socket, buffer)
    end
  until head_end

  local head = buffer:sub(1, head_end)
  local status = tonumber(head:match("^HTTP/1%.%d (%d%d%d)"))
  local length = tonumber(head:lower():match("\r\ncontent%-length:%s*(%d+)"))
  if not length then
    k6.fail("this example reads answers with a Content-Length only")
  end

  while #buffer < head_end + length do
    buffer = more(socket, buffer)
  end
  return status, buffer:sub(head_end + 1, head_end + length), buffer:sub(head_end + length + 1)
end

function default()
  local socket <close> = tcp.Socket.new() -- destroyed when this function ends, however it does
  local buffer, status, body = "", nil, nil

  socket:connect(port, host)
  for _ = 1, requests do
    socket:write(request)
    status, body, buffer = read_response(socket, buffer)
    body_bytes:add(#body)
    k6.check(status, { ["status is 200"] = function(s) return s == 200 end })
  end
end
