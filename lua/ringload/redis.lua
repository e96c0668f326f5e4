-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- redis: a client of Redis over one connection. lua/types/ringload/redis.lua says what scripts can do
-- with it.
--
-- A prepared command is its text. The usual reply, one block that arrives in one chunk, is taken apart
-- here; all else goes to ringload/redis/reply.

local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")
local json = require("json")
local failure = require("ringload/failure")
local reply = require("ringload/redis/reply")
local new_reader = require("ringload/reader").new

local find, sub, match, format, upper = string.find, string.sub, string.match, string.format, string.upper
local concat, unpack = table.concat, table.unpack
local setmetatable, getmetatable, pcall, error, type = setmetatable, getmetatable, pcall, error, type
local now = k6.now

local redis_commands = metrics.Counter("redis_commands")
local redis_duration = metrics.Trend("redis_command_duration", true)
local redis_failed = metrics.Rate("redis_command_failed")

local TIMEOUT_MS = 60000
local MAX_REPLY = 64 * 1024 * 1024
local READ_SIZE = 65536
local CACHED_NAMES = 1000

local new_error, RedisError = failure.kind("RedisError", function(e)
  return format("redis error during %s: %s", e.command or "?", e.message)
end)

local function reply_error(text)
  return new_error({ message = text, code = match(text, "^%u+") or "ERR" })
end

local read_reply = reply.reader_of(reply_error)

-- --- Commands ---

-- What the last reply to a command was, if it was a short block, what counts it, and its value. Never
-- changed: whoever waits for a reply goes by what was known when it asked.
local SAME <const> = 1
local RECORD <const> = 2
local VALUE <const> = 3

local NOTHING = { false, false, false } -- the command was not sent before
local SENT = { false, false, false } -- once
local MAX_SAME <const> = 1024

-- *2\r\n$3\r\nGET\r\n$3\r\nkey\r\n
local function encode(words, count, level)
  local parts = { "*" .. count .. "\r\n" }
  for i = 1, count do
    local word = words[i]
    local kind = type(word)
    if kind == "number" then
      word = tostring(word)
    elseif kind ~= "string" then
      error(format("argument %d of a command must be a string or number, not a %s", i, kind), level + 1)
    end
    parts[i + 1] = "$" .. #word .. "\r\n" .. word .. "\r\n"
  end
  return concat(parts)
end

local function prepare(level, ...)
  local count = select("#", ...)
  if count == 0 then
    error("a command is missing", level + 1)
  end
  local name = ...
  local text = encode({ ... }, count, level + 1)
  return { _text = text, _name = upper(name), _known = NOTHING }
end

-- --- Metrics: one recorder for the name of a command and a client's tags ---

local recorders, recorder_count = {}, 0

local function recorder_of(self, name)
  local known = self._recorders
  local record = known[name]
  if record then
    return record
  end
  local tags = { command = name }
  for key, value in pairs(self._tags or {}) do
    tags[key] = value
  end
  record = metrics.recorder(tags, redis_commands, redis_duration, redis_failed)
  if known == recorders then
    if recorder_count == CACHED_NAMES then
      return record
    end
    recorder_count = recorder_count + 1
  end
  known[name] = record
  return record
end

-- --- The connection ---

local Client = {}
local client_meta = { __index = Client, __metatable = false, __name = "RedisClient" }
local exchange -- of any socket: the look-up is part of what a command costs

local function disconnect(self)
  local socket = self._socket
  self._socket = nil
  if socket then
    socket:destroy()
  end
end

-- What ends a command that was sent.
local function failing(self, name, started)
  return function(code, message)
    disconnect(self)
    recorder_of(self, name)(1, started and now() - started, true)
    error(new_error({ command = name, code = code, message = message }), 0)
  end
end

local function lost(self, name, why, started)
  local fail = failing(self, name, started)
  if why == "timeout" then
    fail("ETIMEDOUT", format("no reply in %g ms", self._timeout))
  elseif why == "closed" then
    fail("ECLOSED", "the server closed the connection without a reply")
  end
  disconnect(self)
  recorder_of(self, name)(1, now() - started, true)
  error(why, 0) -- a TCPError of the write
end

-- Count reply, and name the command in an error.
local function judge(self, name, value, ms)
  local failed = getmetatable(value) == RedisError
  if failed then
    value.command = name
  end
  recorder_of(self, name)(1, ms, failed)
  return failed
end

-- Anything but one block in one chunk.
local function read_any(self, socket, name, data, ms)
  if not data then
    lost(self, name, ms, now())
  end
  local started = now() - ms
  local reader = new_reader(socket, data, started + self._timeout, failing(self, name, started))
  local value = read_reply(reader, self._limits)

  if reader:has_more() then
    disconnect(self) -- nobody asked for it: where the next reply begins is not known
  end
  if judge(self, name, value, now() - started) then
    error(value, 0)
  end
  return value
end

-- Before the first command of a connection: HELLO, AUTH, SELECT. These count as commands too.
local function greet(self, socket)
  for _, words in ipairs(self._greeting) do
    local command = prepare(1, unpack(words))
    local data, ms = exchange(socket, command._text, self._timeout)
    read_any(self, socket, command._name, data, ms)
  end
end

local function open(self, name)
  local socket = tcp.Socket.new(self._socket_options)
  local ok, err = pcall(socket.connect, socket, self._target)
  if not ok then
    recorder_of(self, name)(1, nil, true)
    error(err, 0)
  end
  socket:on("close", function()
    if self._socket == socket then
      self._socket = nil
    end
  end)
  self._socket = socket
  exchange = socket.exchange
  greet(self, socket)
  return socket
end

-- The last block that came as one chunk: how it began, and its bytes in all. The next one is likely to
-- be as long.
local function note_block(self, data)
  local size, at = match(data, "^%$(%d+)\r\n()")
  if not size or #data ~= at + tonumber(size) + 1 then
    return false
  end
  self._head, self._body, self._total = sub(data, 1, at - 1), at, #data
  return true
end

local function send(self, command)
  local text = command._text
  if not text then
    error("what prepare returned is needed", 2)
  end
  local socket = self._socket or open(self, command._name)
  local known = command._known
  local same = known[SAME]
  local data, ms = exchange(socket, text, self._timeout, same)

  if data == same then
    known[RECORD](1, ms, false)
    return known[VALUE]
  elseif data and (#data == self._total and find(data, self._head, 1, true) == 1 or note_block(self, data)) then
    local record = known[RECORD] or recorder_of(self, command._name)
    local value = sub(data, self._body, -3)
    record(1, ms, false)
    command._known = known ~= NOTHING and #data <= MAX_SAME and { data, record, value } or SENT
    return value
  end
  return read_any(self, socket, command._name, data, ms)
end

-- --- What scripts call ---

local command_meta = { __name = "RedisCommand", __metatable = false }

function Client:prepare(...)
  return setmetatable(prepare(2, ...), command_meta)
end

local function check_prepared(command, level)
  if type(command) ~= "table" or not command._text then
    error("what prepare returned is needed, not a " .. type(command), level + 1)
  end
end

Client.send = send

function Client:call(...)
  return send(self, prepare(2, ...))
end

function Client:get(key)
  return send(self, prepare(2, "GET", key))
end

function Client:set(key, value, ...)
  return send(self, prepare(2, "SET", key, value, ...))
end

-- Notes the calls of a function: p:set(k, v), p:call("INCR", k), p:send(prepared).
local Pipeline = {}
local pipeline_meta = { __index = Pipeline, __metatable = false, __name = "RedisPipeline" }

function Pipeline:call(...)
  self[#self + 1] = prepare(2, ...)
end

function Pipeline:get(key)
  self[#self + 1] = prepare(2, "GET", key)
end

function Pipeline:set(key, value, ...)
  self[#self + 1] = prepare(2, "SET", key, value, ...)
end

function Pipeline:send(command)
  check_prepared(command, 2)
  self[#self + 1] = command
end

-- Prepared commands of a function's calls, or of a list of prepared ones and lists of words.
local function gather(what, level)
  local commands = setmetatable({}, pipeline_meta)
  if type(what) == "function" then
    what(commands)
    return commands
  elseif type(what) ~= "table" then
    error("a function or a list of commands is needed, not a " .. type(what), level + 1)
  end
  for i, command in ipairs(what) do
    commands[i] = command._text and command or prepare(level + 1, unpack(command))
  end
  return commands
end

function Client:pipeline(what)
  local commands, texts, replies = gather(what, 2), {}, {}
  for i = 1, #commands do
    texts[i] = commands[i]._text
  end
  if #texts == 0 then
    return replies
  end
  local socket = self._socket or open(self, commands[1]._name)
  local data, ms = exchange(socket, concat(texts), self._timeout)
  if not data then
    lost(self, commands[1]._name, ms, now())
  end
  local started = now() - ms
  local reader = new_reader(socket, data, started + self._timeout)

  for i = 1, #commands do
    local name = commands[i]._name
    reader.fail = failing(self, name, started)
    local value = read_reply(reader, self._limits)
    judge(self, name, value, now() - started)
    replies[i] = value == nil and json.null or value
  end
  if reader:has_more() then
    disconnect(self)
  end
  return replies
end

function Client:close()
  disconnect(self)
end
client_meta.__close = disconnect

-- --- Making a client ---

local CLIENT_OPTIONS = {
  host = "string",
  port = "number",
  tls = "boolean",
  username = "string",
  password = "string",
  db = "number",
  protocol = "number",
  tags = "table",
  timeout = "number",
  max_reply = "number",
}

local function check_options(options, level)
  if type(options) ~= "table" then
    error("the options of a client must be a table, not a " .. type(options), level + 1)
  end
  for key, value in pairs(options) do
    local wanted = CLIENT_OPTIONS[key]
    if not wanted then
      error(format("the options of a client: there is no option %q", tostring(key)), level + 1)
    elseif type(value) ~= wanted and not (key == "port" and tonumber(value)) then
      error(format("%s must be a %s, not a %s", key, wanted, type(value)), level + 1)
    elseif (key == "timeout" or key == "max_reply") and not (value > 0) then
      error(format("%s must be above 0", key), level + 1)
    end
  end
  if options.protocol and options.protocol ~= 2 and options.protocol ~= 3 then
    error("protocol must be 2 or 3", level + 1)
  end
end

local function greeting_of(options)
  local list, username, password = {}, options.username, options.password
  if password then
    list[1] = username and { "AUTH", username, password } or { "AUTH", password }
  end
  if options.protocol == 3 then
    list[#list + 1] = { "HELLO", "3" }
  end
  if options.db then
    list[#list + 1] = { "SELECT", format("%d", options.db) }
  end
  return list
end

local function client(options)
  options = options or {}
  check_options(options, 2)
  local timeout = options.timeout or TIMEOUT_MS
  return setmetatable({
    _target = { host = options.host or "127.0.0.1", port = options.port or 6379, tls = options.tls, timeout = timeout },
    _socket_options = { read_size = READ_SIZE, tags = options.tags },
    _greeting = greeting_of(options),
    _tags = options.tags,
    _recorders = options.tags and {} or recorders,
    _timeout = timeout,
    _total = -1,
    _limits = { max_reply = options.max_reply or MAX_REPLY },
  }, client_meta)
end

return { client = client, RedisError = RedisError, null = json.null }
