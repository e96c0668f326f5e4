-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- http: a client of HTTP/1.1 over one connection that is kept alive. lua/types/ringload/http.lua says
-- what scripts can do with it.
--
-- What a request costs decides how this is written. A server's answers to one request mostly differ
-- in nothing: so a prepared request keeps the head of its last answer, and where the next one begins
-- with the same bytes, nothing of it is parsed again. Headers, and the body as a string of its own,
-- are made when they are asked for.

local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")
local json = require("json")
local answer = require("ringload/http/answer")
local question = require("ringload/http/question")
local failure = require("ringload/failure")
local new_reader = require("ringload/reader").new

local find, sub, match, format = string.find, string.sub, string.match, string.format
local setmetatable, pcall, error, type = setmetatable, pcall, error, type
local now = k6.now

local http_reqs = metrics.Counter("http_reqs")
local http_req_duration = metrics.Trend("http_req_duration", true)
local http_req_failed = metrics.Rate("http_req_failed")

local TIMEOUT_MS = 60000
local MAX_HEADER, MAX_BODY = 65536, 64 * 1024 * 1024
local READ_SIZE = 65536 -- most answers are one chunk then
local CACHED_PATHS, CACHED_NAMES = 64, 1000
local REPEATABLE = { GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true, TRACE = true }

local new_error, HTTPError = failure.kind("HTTPError", function(e)
  return format("HTTP error during %s %s: %s", e.method, e.path, e.message)
end)

-- --- Requests: lists, as answers are ---

-- What is sent; then what the last answer was, if it came as one chunk: how long, its head, and what
-- follows from that; then what is rarely looked at.
local TEXT <const>, TOTAL <const>, HEAD_TEXT <const>, HEAD_SIZE <const>, STATUS <const> = 1, 2, 3, 4, 5
local FAILED <const>, RECORD <const>, METHOD <const>, PATH <const>, NAME <const> = 6, 7, 8, 9, 10
local TAGS <const>, RECORDERS <const> = 11, 12

-- --- Answers ---

-- A list, since that costs half of a table by name: what place says, and body and headers once they
-- were asked for. An answer that was read as one chunk has DATA and the size of its head in HEAD, any
-- other its head and its body.
local DATA <const>, HEAD <const>, BODY <const>, HEADERS <const> = 1, 2, 5, 6
local place = { status = 3, duration = 4, body = BODY, headers = HEADERS }
local Response = {}

function Response:json()
  return json.decode(self.body)
end

local function make(self, at)
  local data, head = self[DATA], self[HEAD]
  if at == BODY then
    self[BODY] = sub(data, head + 1)
  elseif at == HEADERS then
    self[HEADERS] = answer.headers(data and sub(data, 1, head) or head)
  end
  return self[at]
end

local response_meta = {
  __name = "Response",
  __metatable = false,
  __index = function(self, key)
    local at = place[key]
    if at then
      return self[at] or make(self, at)
    end
    return Response[key]
  end,
}

-- --- Metrics: one recorder for a request's tags and a status ---

local recorders, recorder_names = {}, 0

local function new_recorder(request, status)
  local expected = status >= 200 and status < 400
  local tags = {
    proto = "HTTP/1.1",
    method = request[METHOD],
    name = request[NAME],
    status = status,
    expected_response = expected,
  }
  for key, value in pairs(request[TAGS] or {}) do
    tags[key] = value
  end
  return metrics.recorder(tags, http_reqs, http_req_duration, http_req_failed)
end

local function recorder_of(request, status)
  local known = request[RECORDERS]
  if not known then
    if request[TAGS] then
      known = {}
    else
      local key = request[METHOD] .. " " .. request[NAME]
      known = recorders[key]
      if not known then
        if recorder_names == CACHED_NAMES then
          recorders, recorder_names = {}, 0
        end
        known = {}
        recorders[key] = known
        recorder_names = recorder_names + 1
      end
    end
    request[RECORDERS] = known
  end
  local record = known[status]
  if not record then
    record = new_recorder(request, status)
    known[status] = record
  end
  return record
end

-- --- The connection ---

local Client = {}
local client_meta = { __index = Client, __metatable = false, __name = "HTTPClient" }
local exchange -- of any socket: the look-up is part of what a request costs

local function disconnect(self)
  local socket = self._socket
  self._socket = nil
  if socket then
    socket:destroy()
  end
end

local function count_failure(request, ms)
  recorder_of(request, 0)(1, ms, true)
end

local function open(self, request)
  local socket = tcp.Socket.new(self._socket_options)
  local ok, err = pcall(socket.connect, socket, self._target)
  if not ok then
    count_failure(request)
    error(err, 0)
  end
  socket:on("close", function()
    if self._socket == socket then
      self._socket = nil
    end
  end)
  self._socket = socket
  exchange = socket.exchange
  return socket
end

-- What ends a request that was sent. started: k6.now.
local function failing(self, request, started)
  return function(code, message)
    disconnect(self)
    count_failure(request, now() - started)
    error(new_error({ method = request[METHOD], path = request[PATH], code = code, message = message }), 0)
  end
end

local function lost(self, request, why, started)
  if why == "timeout" then
    failing(self, request, started)("ETIMEDOUT", format("no answer in %g ms", self._timeout))
  elseif why == "closed" then
    failing(self, request, started)("ECLOSED", "the server closed the connection without an answer")
  end
  disconnect(self)
  count_failure(request, now() - started)
  error(why, 0) -- a TCPError of the write
end

-- Read one answer; what of it is the same next time is noted in request.
local function finish(self, request, reader, started, whole)
  local status, head, body, frame, keep = answer.read(reader, request[METHOD], self._limits)
  local ms = now() - started
  local record = recorder_of(request, status)

  record(1, ms, status < 200 or status >= 400)
  if not keep then
    disconnect(self)
  elseif whole == #head + #body and type(frame) == "number" then
    request[HEAD_TEXT], request[HEAD_SIZE], request[TOTAL] = head, #head, whole
    request[STATUS], request[RECORD], request[FAILED] = status, record, status < 200 or status >= 400
  end
  return setmetatable({ false, head, status, ms, body }, response_meta), keep
end

-- The answer is not the one that was there before, or there is none.
local function read_answer(self, request, socket, data, ms, again)
  if not data then
    -- A server may close an idle connection just when the next request is on its way.
    if ms ~= "timeout" and not again and socket.bytes_read > 0 and REPEATABLE[request[METHOD]] then
      disconnect(self)
      socket = open(self, request)
      data, ms = exchange(socket, request[TEXT], self._timeout)
      return read_answer(self, request, socket, data, ms, true)
    end
    lost(self, request, ms, now())
  end
  local started = now() - ms
  local reader = new_reader(socket, data, started + self._timeout, failing(self, request, started))
  local response = finish(self, request, reader, started, #data)

  if reader:has_more() then
    disconnect(self) -- nobody asked for it: where the next answer begins is not known
  end
  return response
end

-- --- Requests ---

local function check_options(options, known, what, level)
  if options == nil then
    return {}
  end
  if type(options) ~= "table" then
    error(what .. " must be a table, not a " .. type(options), level + 1)
  end
  for key in pairs(options) do
    if not known[key] then
      error(format("%s: there is no option %q", what, tostring(key)), level + 1)
    end
  end
  return options
end

local REQUEST_OPTIONS = { headers = true, body = true, tags = true, name = true }

local function merge(base, more)
  if not base or not more then
    return more or base
  end
  local merged = {}
  for key, value in pairs(base) do
    merged[key] = value
  end
  for key, value in pairs(more) do
    merged[key] = value
  end
  return merged
end

local function prepare(self, method, path, options, level)
  options = check_options(options, REQUEST_OPTIONS, "the options of a request", level + 1)
  local text = question.text(method, path, self._base, self._headers, options.headers, options.body, level + 1)
  local name = options.name or match(path, "^[^?#]*")
  local tags = merge(self._tags, options.tags) or false
  return { text, -1, false, 0, 0, false, false, method, path, name, tags, false }
end

local function send(self, request)
  local text = request[TEXT]
  if not text then
    error("what prepare returned is needed", 2)
  end
  local socket = self._socket or open(self, request)
  local data, ms = exchange(socket, text, self._timeout)

  if data and #data == request[TOTAL] and find(data, request[HEAD_TEXT], 1, true) == 1 then
    request[RECORD](1, ms, request[FAILED])
    return setmetatable({ data, request[HEAD_SIZE], request[STATUS], ms }, response_meta)
  end
  return read_answer(self, request, socket, data, ms)
end

local request_meta = { __name = "HTTPRequest", __metatable = false }

function Client:prepare(method, path, options)
  return setmetatable(prepare(self, method, path, options, 2), request_meta)
end

local function check_prepared(request, level)
  if type(request) ~= "table" or not request[TEXT] then
    error("what prepare returned is needed, not a " .. type(request), level + 1)
  end
end

Client.send = send

function Client:request(method, path, options)
  return send(self, prepare(self, method, path, options, 2))
end

function Client:get(path, options)
  if options then
    return send(self, prepare(self, "GET", path, options, 2))
  end
  local request = self._gets[path]
  if not request then
    request = prepare(self, "GET", path, nil, 2)
    if self._get_count < CACHED_PATHS then
      self._gets[path] = request
      self._get_count = self._get_count + 1
    end
  end
  return send(self, request)
end

function Client:head(path, options)
  return send(self, prepare(self, "HEAD", path, options, 2))
end

function Client:post(path, body, options)
  options = merge(options, { body = body })
  return send(self, prepare(self, "POST", path, options, 2))
end

-- Written at once, answered in order.
function Client:pipeline(requests)
  local texts, responses = {}, {}
  for i, request in ipairs(requests) do
    check_prepared(request, 2)
    texts[i] = request[TEXT]
  end
  if #texts == 0 then
    return responses
  end
  local socket = self._socket or open(self, requests[1])
  local data, ms = exchange(socket, table.concat(texts), self._timeout)
  if not data then
    lost(self, requests[1], ms, now())
  end
  local started, keep = now() - ms, true
  local reader = new_reader(socket, data, started + self._timeout)

  for i, request in ipairs(requests) do
    reader.fail = failing(self, request, started)
    if not keep then
      reader.fail("ECLOSED", "the server ended the connection with the answer before this one")
    end
    responses[i], keep = finish(self, request, reader, started)
  end
  if reader:has_more() then
    disconnect(self)
  end
  return responses
end

function Client:close()
  disconnect(self)
end
client_meta.__close = disconnect

-- --- Making a client ---

local CLIENT_OPTIONS = {
  host = true,
  port = true,
  tls = true,
  headers = true,
  tags = true,
  timeout = true,
  max_header = true,
  max_body = true,
}

local function from_url(url, level)
  local scheme, host, port, rest = match(url, "^(%a+)://([^/:%[%]]+):?(%d*)(.*)$")
  if not scheme then
    scheme, host, port, rest = match(url, "^(%a+)://%[([%x:.]+)%]:?(%d*)(.*)$")
  end
  scheme = scheme and scheme:lower()
  if scheme ~= "http" and scheme ~= "https" or rest ~= "" and rest ~= "/" then
    error(format("%q is not the address of a server, such as http://127.0.0.1:8080", url), level + 1)
  end
  return { host = host, port = tonumber(port), tls = scheme == "https" or nil }
end

local function positive(options, key, default, level)
  local value = options[key]
  if value == nil then
    return default
  end
  if type(value) ~= "number" or not (value > 0) then
    error(format("%s must be a number above 0", key), level + 1)
  end
  return value
end

local function authority(host, port, default)
  local name = find(host, ":", 1, true) and "[" .. host .. "]" or host
  return port == default and name or format("%s:%d", name, port)
end

local function client(options)
  if type(options) == "string" then
    options = from_url(options, 2)
  end
  options = check_options(options, CLIENT_OPTIONS, "the options of a client", 2)
  local host, default_port = options.host or "127.0.0.1", options.tls and 443 or 80
  local port = math.tointeger(tonumber(options.port or default_port))
  if type(host) ~= "string" or not match(host, "^[^%c%s/]+$") then
    error("host must be a name or an address", 2)
  end
  if not port then
    error(format("port must be a whole number, not %s", tostring(options.port)), 2)
  end
  if options.headers then
    question.check_headers(options.headers, 2)
  end
  local timeout = positive(options, "timeout", TIMEOUT_MS, 2)
  local base = { Host = authority(host, port, default_port), ["User-Agent"] = "ringload" }
  return setmetatable({
    _target = { host = host, port = port, tls = options.tls, timeout = timeout },
    _socket_options = { read_size = READ_SIZE, tags = options.tags },
    _base = base,
    _headers = options.headers,
    _tags = options.tags,
    _timeout = timeout,
    _limits = {
      max_header = positive(options, "max_header", MAX_HEADER, 2),
      max_body = positive(options, "max_body", MAX_BODY, 2),
    },
    _gets = {},
    _get_count = 0,
  }, client_meta)
end

return { client = client, HTTPError = HTTPError }
