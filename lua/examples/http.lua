-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- HTTP/1.1: several GETs on one connection (keep-alive), against nginx say.
--
--   ringload run -e HTTP_HOST=127.0.0.1 -e HTTP_PORT=80 lua/examples/http.lua
--   ringload run --serve http lua/examples/http.lua

local http = require("ringload/http")
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

function default()
  -- Connects with the first request; closed when this function ends, however it does.
  local client <close> = http.client({ host = host, port = port, timeout = 5000 })

  for _ = 1, requests do
    local answer = client:get(path) -- waits; raises an error where there is no answer
    body_bytes:add(#answer.body)
    k6.check(answer, { ["status is 200"] = function(a) return a.status == 200 end })
  end
end
