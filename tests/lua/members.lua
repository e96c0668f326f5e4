-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What scripts can see, for tests/system/stubs_test.py: a line of JSON an object, member -> type.
--
--   ringload run --serve echo -e NAMES=a,b,c tests/lua/members.lua
--
-- Tables are gone through. Objects that cannot be are asked for each of NAMES.

local k6 = require("k6")
local tcp = require("k6/x/tcp")
local exec = require("k6/execution")
local metrics = require("k6/metrics")
local data = require("k6/data")
local http = require("ringload/http")
local redis = require("ringload/redis")

local modules = {
  ["k6"] = k6,
  ["k6.tcp"] = tcp,
  ["k6.tcp.SocketClass"] = tcp.Socket,
  ["k6.tcp.TCPErrorMeta"] = tcp.TCPError,
  ["k6.execution"] = exec,
  ["k6.execution.Test"] = exec.test,
  ["k6.metrics"] = metrics,
  ["k6.data"] = data,
  ["http"] = http,
  ["http.HTTPErrorMeta"] = http.HTTPError,
  ["redis"] = redis,
  ["redis.RedisErrorMeta"] = redis.RedisError,
  ["ringload.json"] = json,
  ["ringload.console"] = console,
  ["lib coroutine"] = coroutine,
  ["lib debug"] = debug,
  ["lib math"] = math,
  ["lib os"] = os,
  ["lib string"] = string,
  ["lib table"] = table,
  ["lib utf8"] = utf8,
}
local same = {
  [require("json")] = json,
  [require("ringload")] = k6,
  [require("ringload/tcp")] = tcp,
  [require("ringload/execution")] = exec,
  [require("ringload/metrics")] = metrics,
  [require("ringload/data")] = data,
}
local metric = metrics.Counter("members")

local function kind(value)
  return math.type(value) or type(value)
end

local function show(name, members)
  print("MEMBERS " .. json.encode({ name, json.object(members) }))
end

local function enumerate(name, object)
  local members = {}
  for key, value in pairs(object) do
    members[key] = kind(value)
  end
  show(name, members)
end

local function ask(name, object)
  local members = {}
  for key in __ENV.NAMES:gmatch("[^,]+") do
    local value = object[key]
    if value ~= nil then
      members[key] = kind(value)
    end
  end
  show(name, members)
end

-- The names that a socket does not leave to the script.
local function ask_read_only(socket)
  local members = {}
  for key in __ENV.NAMES:gmatch("[^,]+") do
    if not pcall(function() socket[key] = true end) then
      members[key] = "read-only"
    end
  end
  show("read-only", members)
end

-- The names that call asks its table of options for.
local function show_options(name, call, values)
  local asked = {}
  call(setmetatable({}, { __index = function(_, key)
    asked[key] = "option"
    return values and values[key]
  end }))
  show(name, asked)
end

-- What the modules of protocols have; server: answers nothing that is a reply of them.
local function show_protocols(server)
  local web <close> = http.client(server)
  local get = web:prepare("GET", "/")
  ask("http.Client", web)
  ask("http.Request", get)
  show_options("http.ClientOptions", http.client)
  show_options("http.RequestOptions", function(options) web:prepare("GET", "/", options) end)
  local _, err = pcall(web.send, web, get) -- the echo of a request is no answer
  assert(getmetatable(err) == http.HTTPError)
  enumerate("http.HTTPError", err)
  get[1] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]" -- the text that is sent: its echo is one
  ask("http.Response", web:send(get))

  local store <close> = redis.client({ host = server.host, port = server.port, max_reply = 1 })
  local command = store:prepare("GET", "k")
  ask("redis.Client", store)
  ask("redis.Command", command)
  show_options("redis.ClientOptions", redis.client)
  store:pipeline(function(p) ask("redis.Pipeline", p) end)
  local _, err = pcall(store.get, store, "k") -- its echo is a list of two
  assert(getmetatable(err) == redis.RedisError)
  enumerate("redis.RedisError", err)
end

function default()
  for name, module in pairs(modules) do
    enumerate(name, module)
  end
  for alias, module in pairs(same) do
    assert(alias == module)
  end
  ask("globals", _G)

  local socket <close> = tcp.Socket.new()
  socket:connect({ host = __ENV.TLS_HOST, port = __ENV.TLS_PORT, tls = true })
  ask("k6.tcp.Socket", socket)
  ask_read_only(tcp.Socket.new())
  show_options("k6.tcp.SocketOptions", tcp.Socket.new)
  show_options("k6.tcp.WriteOptions", function(options) socket:write("x", options) end)
  show_options("k6.tcp.ConnectOptions", function(options) pcall(socket.connect, socket, options) end,
               { port = 1, tls = true })
  show_options("k6.tcp.StartTlsOptions", function(options) pcall(socket.start_tls, socket, options) end)
  show_protocols({ host = __ENV.SERVE_HOST, port = __ENV.SERVE_PORT })
  ask("k6.metrics.Metric", metric)
  ask("k6.execution.Instance", exec.instance)
  ask("k6.execution.Scenario", exec.scenario)
  ask("k6.execution.VU", exec.vu)
  ask("k6.execution.VUMetrics", exec.vu.metrics)

  local caught, err = pcall(socket.connect, tcp.Socket.new(), false)
  assert(not caught and getmetatable(err) == tcp.TCPError)
  enumerate("k6.tcp.TCPError", err)
end
