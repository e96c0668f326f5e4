-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- PING, SET and GET against a Redis server, with a small reader of its protocol (RESP):
--
--   ringload run -e REDIS_HOST=127.0.0.1 -e REDIS_PORT=6379 lua/examples/redis.lua

local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")

local host = __ENV.REDIS_HOST or "127.0.0.1"
local port = __ENV.REDIS_PORT or 6379
local commands = metrics.Counter("redis_commands")

options = {
  vus = 10,
  duration = "5s",
}

-- "SET", "key", "value" -> *3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n
local function encode(...)
  local parts = { ("*%d\r\n"):format(select("#", ...)) }
  for _, word in ipairs({ ... }) do
    parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#word, word)
  end
  return table.concat(parts)
end

-- The first reply in buffer and what is behind it; nil while it is not complete.
local function decode(buffer)
  local line, rest = buffer:match("^([^\r\n]*)\r\n(.*)$")
  if not line then
    return nil
  end
  local kind, text = line:sub(1, 1), line:sub(2)
  if kind == "+" then -- +OK
    return text, rest
  elseif kind == ":" then -- :42
    return math.tointeger(tonumber(text)), rest
  elseif kind == "-" then -- -ERR what is wrong
    error("redis: " .. text)
  elseif kind == "$" then -- $5\r\nvalue\r\n; $-1 is "no such key"
    local size = math.tointeger(tonumber(text))
    if size < 0 then
      return false, rest
    elseif #rest < size + 2 then
      return nil
    end
    return rest:sub(1, size), rest:sub(size + 3)
  end
  error("redis: unexpected reply " .. line)
end

-- A connection whose call() sends a command and waits for its reply.
local function open()
  local socket = tcp.Socket.new({ tags = { server = "redis" } })
  local buffer = ""

  socket:connect({ host = host, port = port })
  return {
    call = function(...)
      socket:write(encode(...))
      commands:add(1, { command = (...) })
      while true do
        local reply, rest = decode(buffer)
        if reply ~= nil then
          buffer = rest
          return reply
        end
        local ok, data = socket:wait("data", 5000)
        if not ok then
          k6.fail("no reply from redis: " .. data)
        end
        buffer = buffer .. data
      end
    end,
    close = function()
      socket:destroy()
    end,
  }
end

function default()
  local redis = open()
  local key = ("ringload:%d"):format(__VU)
  local value = ("iteration %d"):format(__ITER)

  k6.check(redis.call("PING"), { ["PING is answered"] = function(r) return r == "PONG" end })
  k6.check(redis.call("SET", key, value), { ["SET is done"] = function(r) return r == "OK" end })
  k6.check(redis.call("GET", key), { ["GET gives it back"] = function(r) return r == value end })
  redis.close()
end
