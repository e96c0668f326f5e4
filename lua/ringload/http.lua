-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- http: a client of HTTP/1.1 over one connection that is kept alive. lua/types/ringload/http.lua says
-- what scripts can do with it.
--
-- What a request costs decides how this is written. A server's answers to one request mostly differ
-- in nothing: so a prepared request keeps its last answer, and where the next one is the same bytes,
-- or only begins with the same head, nothing of it is parsed again. Headers, and the body as a string
-- of its own, are made when they are asked for. What is the same for all clients is there once, since
-- each cache line that a client has for itself costs as much as dozens of instructions.

local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")
local json = require("json")
local answer = require("ringload/http/answer")
local question = require("ringload/http/question")
local client_options = require("ringload/http/options")
local failure = require("ringload/failure")
local new_reader = require("ringload/reader").new
local check_options, merge, read_options = client_options.check, client_options.merge, client_options.read

local find, sub, match, lower, format = string.find, string.sub, string.match, string.lower, string.format
local setmetatable, pcall, error, type, tonumber = setmetatable, pcall, error, type, tonumber
local now = k6.now

local http_reqs = metrics.Counter("http_reqs")
local http_req_duration = metrics.Trend("http_req_duration", true)
local http_req_failed = metrics.Rate("http_req_failed")

local READ_SIZE = 65536 -- most answers are one chunk then
local OWN_PATHS, COMMON_PATHS, CACHED_NAMES = 64, 1000, 1000
local SERVER_OPTIONS = { host = true, port = true, tls = true, timeout = true }
local REPEATABLE = { GET = true, HEAD = true, OPTIONS = true, PUT = true, DELETE = true, TRACE = true }

local new_error, HTTPError = failure.kind("HTTPError", function(e)
  return format("HTTP error during %s %s: %s", e.method, e.path, e.message)
end)

-- --- Requests, and what is known of their answers: lists, which cost half of a table by name ---

-- Each place in a statement of its own: of several in one, Lua takes only the last for a constant.
local TEXT <const> = 1 -- what is sent
local KNOWN <const> = 2
local METHOD <const> = 3
local PATH <const> = 4
local NAME <const> = 5
local TAGS <const> = 6
local RECORDERS <const> = 7
local LAST <const> = 8 -- head of the last answer: what comes a second time is worth knowing

-- Of the last answer that came as one chunk and is likely to come again. Never changed: whoever waits
-- for an answer goes by what was known when it asked.
local SAME <const> = 1 -- all of it, if it is short
local RECORD <const> = 2 -- what counts it
local STATUS <const> = 3
local FAILED <const> = 4
local META <const> = 5 -- of answers with these bytes
local TOTAL <const> = 6 -- its length, and its head, whatever the body
local HEAD_TEXT <const> = 7

local NOTHING = { false, false, 0, false, false, -1, "" }

local MAX_SAME <const> = 4096 -- bytes that are kept of a body

-- --- Answers: status and duration; body and headers once they were asked for ---

local Response = {}

function Response:json()
  return json.decode(self.body)
end

-- Where the bytes of an answer are, all or its head alone: in itself.
local DATA <const> = 1
local HEAD_SIZE <const> = 2

-- The metatable of answers which have their bytes in common, data; nil: each has its own.
local function new_meta(data, size)
  local body

  local function make(self, key)
    if key == "body" then
      if not data then
        local own = sub(self[DATA], self[HEAD_SIZE] + 1)
        self.body = own
        return own
      end
      body = body or sub(data, size + 1)
      return body
    elseif key == "headers" then
      local headers = answer.headers(sub(data or self[DATA], 1, size or self[HEAD_SIZE]))
      self.headers = headers
      return headers
    end
    return Response[key]
  end
  return { __name = "Response", __metatable = false, __index = make }
end

local response_meta = new_meta()

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

local function know(status, head, data, record)
  local short = #data - #head <= MAX_SAME
  local meta = short and new_meta(data, #head)
  return { short and data, record, status, status < 200 or status >= 400, meta, #data, head }
end

-- Read one answer. data: its first chunk; if that is all of it, it is noted.
local function finish(self, request, reader, started, data)
  local status, head, body, frame, keep = answer.read(reader, request[METHOD], self._limits)
  local ms = now() - started
  local record = recorder_of(request, status)

  record(1, ms, status < 200 or status >= 400)
  if not keep then
    disconnect(self)
  elseif data and #data == #head + #body and type(frame) == "number" then
    request[KNOWN] = know(status, head, data, record)
  end
  return setmetatable({ head, #head, status = status, duration = ms, body = body }, response_meta), keep
end

-- An answer that is whole in its first chunk, as most are; nil: it is something else.
local function read_whole(self, request, data, ms)
  local _, size = find(data, "\r\n\r\n", 1, true)
  if not size or sub(data, 1, 9) ~= "HTTP/1.1 " or not find(data, "^[2-5]%d%d ", 10) or request[METHOD] == "HEAD" then
    return nil
  end
  local head, limits = sub(data, 1, size), self._limits
  if size > limits.max_header or #data - size > limits.max_body or not answer.is_plain(lower(head), #data - size) then
    return nil
  end
  local status = tonumber(sub(data, 10, 12))
  local record = recorder_of(request, status)

  record(1, ms, status >= 400)
  if head == request[LAST] then
    request[KNOWN] = know(status, head, data, record)
  else
    request[LAST] = head
  end
  return setmetatable({ data, size, status = status, duration = ms }, response_meta)
end

-- An answer that is not the same as the last one, or none.
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
  local response = finish(self, request, reader, started, data)

  if reader:has_more() then
    disconnect(self) -- nobody asked for it: where the next answer begins is not known
  end
  return response
end

-- Perhaps another client has read the same meanwhile, or only the body differs.
local function read_other(self, request, socket, data, ms)
  local known = request[KNOWN]
  if data and #data == known[TOTAL] then
    if data == known[SAME] then
      known[RECORD](1, ms, known[FAILED])
      return setmetatable({ status = known[STATUS], duration = ms }, known[META])
    elseif find(data, known[HEAD_TEXT], 1, true) == 1 then
      known[RECORD](1, ms, known[FAILED])
      return setmetatable({ data, #known[HEAD_TEXT], status = known[STATUS], duration = ms }, response_meta)
    end
  end
  return data and read_whole(self, request, data, ms) or read_answer(self, request, socket, data, ms)
end

-- --- Requests ---

local REQUEST_OPTIONS = { headers = true, body = true, tags = true, name = true }

local function prepare(self, method, path, options, level)
  options = check_options(options, REQUEST_OPTIONS, "the options of a request", level + 1)
  local text = question.text(method, path, self._base, self._headers, options.headers, options.body, level + 1)
  local name = options.name or match(path, "^[^?#]*")
  local tags = merge(self._tags, options.tags) or false
  return { text, NOTHING, method, path, name, tags, false, false }
end

local function send(self, request)
  local text = request[TEXT]
  if not text then
    error("what prepare returned is needed", 2)
  end
  local socket = self._socket or open(self, request)
  local known = request[KNOWN]
  local same = known[SAME]
  local data, ms = exchange(socket, text, self._timeout, same)

  if data == same then
    known[RECORD](1, ms, known[FAILED])
    return setmetatable({ status = known[STATUS], duration = ms }, known[META])
  end
  return read_other(self, request, socket, data, ms)
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

-- GETs of a path, prepared. Clients of one server that differ in nothing have them in common, as far as
-- they are not too many.
local common, common_count = {}, 0

local function common_gets(base, options)
  for key in pairs(options) do
    if not SERVER_OPTIONS[key] then
      return nil
    end
  end
  local key = base.Host .. (options.tls and " tls" or "")
  if not common[key] and common_count < COMMON_PATHS then
    common[key] = {}
    common_count = common_count + 1
  end
  return common[key]
end

local function prepare_get(self, path)
  local own = self._own_gets
  local request = own[path]
  if request then
    return request
  end
  request = prepare(self, "GET", path, nil, 3)
  if self._gets ~= own and common_count < COMMON_PATHS then
    self._gets[path] = request
    common_count = common_count + 1
  elseif self._own_count < OWN_PATHS then
    own[path] = request
    self._own_count = self._own_count + 1
  end
  return request
end

function Client:get(path, options)
  if options then
    return send(self, prepare(self, "GET", path, options, 2))
  end
  return send(self, self._gets[path] or prepare_get(self, path))
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

local function client(given)
  local options = read_options(given, 2)
  local base = { Host = options.authority, ["User-Agent"] = "ringload" }
  local own_gets = {}
  return setmetatable({
    _target = { host = options.host, port = options.port, tls = options.tls, timeout = options.timeout },
    _socket_options = { read_size = READ_SIZE, tags = options.tags },
    _base = base,
    _headers = options.headers,
    _tags = options.tags,
    _timeout = options.timeout,
    _limits = { max_header = options.max_header, max_body = options.max_body },
    _gets = common_gets(base, options.given) or own_gets,
    _own_gets = own_gets,
    _own_count = 0,
  }, client_meta)
end

return { client = client, HTTPError = HTTPError }
