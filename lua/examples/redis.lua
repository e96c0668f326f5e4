-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- PING, SET and GET against a Redis server, one by one and as a pipeline:
--
--   ringload run -e REDIS_HOST=127.0.0.1 -e REDIS_PORT=6379 lua/examples/redis.lua

local redis = require("ringload/redis")
local k6 = require("k6")

options = {
  vus = 10,
  duration = "5s",
}

function default()
  -- Connects with the first command; closed when this function ends, however it does.
  local r <close> = redis.client({
    host = __ENV.REDIS_HOST or "127.0.0.1",
    port = __ENV.REDIS_PORT or 6379,
    timeout = 5000,
  })
  local key = ("ringload:%d"):format(__VU)
  local value = ("iteration %d"):format(__ITER)

  k6.check(r:call("PING"), { ["PING is answered"] = function(reply) return reply == "PONG" end })
  k6.check(r:set(key, value), { ["SET is done"] = function(reply) return reply == "OK" end })
  k6.check(r:get(key), { ["GET gives it back"] = function(reply) return reply == value end })

  local replies = r:pipeline(function(p) -- sent at once
    p:call("APPEND", key, "!")
    p:get(key)
  end)
  k6.check(replies[2], { ["the pipeline is in order"] = function(reply) return reply == value .. "!" end })
end
