-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- answer: an HTTP/1 response from a reader (RFC 9112): its head as text, how its body is framed, its
-- body. What is not HTTP, or too long, is told to the reader's fail.

local find, sub, match, lower, format = string.find, string.sub, string.match, string.lower, string.format
local concat = table.concat

local LINE_BYTES = 4096 -- of a chunk's size with its extensions

-- The value of the first header of that name, which is in lower case, from position at on, and where
-- it ends. low: the head in lower case.
local function field(low, name, at)
  local _, last = find(low, "\n" .. name .. ":", at, true)
  if not last then
    return nil
  end
  local value, next_at = match(low, "^[ \t]*([^\r\n]-)[ \t]*\r\n()", last + 1)
  return value, next_at and next_at - 1
end

local function length_of(low, fail)
  local value, at = field(low, "content-length", 1)
  if not value then
    return nil
  end
  local length = match(value, "^%d+$") and math.tointeger(tonumber(value))
  if not length then
    fail("EPROTO", format("Content-Length is no number: %q", sub(value, 1, 40)))
  end
  local again = field(low, "content-length", at)
  if again and again ~= value then
    fail("EPROTO", "there are two different Content-Lengths")
  end
  return length
end

-- What a head says: status; how the body is framed, a number of bytes, "chunked" or "close"; whether
-- the connection goes on.
local function framing(head, method, fail)
  local minor, status = match(head, "^HTTP/1%.([01]) ([1-9]%d%d)[ \r]")
  if not minor then
    fail("EPROTO", format("this is no HTTP/1 answer: %q", sub(head, 1, 40)))
  end
  status = math.tointeger(tonumber(status))
  local low = lower(head)
  local connection = field(low, "connection", 1)
  local keep = minor == "1"
  if connection then
    if find(connection, "close", 1, true) then
      keep = false
    elseif find(connection, "keep-alive", 1, true) then
      keep = true
    end
  end
  if method == "HEAD" or status < 200 or status == 204 or status == 304 then
    return status, 0, keep
  end
  local coding = field(low, "transfer-encoding", 1)
  if coding then
    if match(coding, "chunked$") then
      return status, "chunked", keep
    end
    return status, "close", false
  end
  local length = length_of(low, fail)
  if length then
    return status, length, keep
  end
  return status, "close", false
end

-- Is a head, in lower case, that of a body of that size, on a connection that goes on? As framing says, but
-- only of the plainest.
local function is_plain(low, size)
  local _, at = find(low, "\ncontent-length:", 1, true)
  if not at or tonumber(match(low, "^ ?(%d+)\r", at + 1)) ~= size then
    return false
  end
  if find(low, "\ncontent-length:", at, true) or find(low, "\ntransfer-encoding:", 1, true) then
    return false
  end
  local _, connection = find(low, "\nconnection:", 1, true)
  return not connection or find(low, " keep-alive\r", connection + 1, true) == connection + 1
end

local function read_chunks(reader, limits)
  local pieces, count, size = {}, 0, 0
  while true do
    local line = reader:line(LINE_BYTES, "the line of a chunk's size")
    local digits = match(line, "^(%x+)[ \t]*$") or match(line, "^(%x+)[ \t]*;")
    if not digits or #digits > 15 then
      reader.fail("EPROTO", format("this is no size of a chunk: %q", sub(line, 1, 40)))
    end
    local bytes = tonumber(digits, 16)
    if bytes == 0 then
      break
    end
    size = size + bytes
    if size > limits.max_body then
      reader.fail("EMSGSIZE", "the body is longer than " .. limits.max_body .. " bytes")
    end
    count = count + 1
    pieces[count] = reader:exactly(bytes)
    if reader:exactly(2) ~= "\r\n" then
      reader.fail("EPROTO", "a chunk does not end where its size says")
    end
  end
  local trailer, left = nil, limits.max_header
  repeat
    trailer = reader:line(left, "the trailer")
    left = left - #trailer - 2
  until trailer == ""
  return concat(pieces, "", 1, count)
end

local function read_body(reader, frame, limits)
  if frame == "chunked" then
    return read_chunks(reader, limits)
  elseif frame == "close" then
    return reader:rest(limits.max_body, "the body")
  elseif frame > limits.max_body then
    reader.fail("EMSGSIZE", "the body has " .. frame .. " bytes, more than " .. limits.max_body)
  end
  return reader:exactly(frame)
end

-- The next answer that is not an informational one, to a request of that method: status, head, body,
-- framing, whether the connection goes on. limits: max_header and max_body, in bytes.
local function read(reader, method, limits)
  while true do
    local head = reader:upto("\r\n\r\n", limits.max_header, "the header")
    local status, frame, keep = framing(head, method, reader.fail)
    if status >= 200 or status == 101 then
      return status, head, read_body(reader, frame, limits), frame, keep and status ~= 101
    end
  end
end

-- The headers of a head: name in lower case -> value; what comes several times is joined by ", ".
local function headers(head)
  local found = {}
  for name, value in string.gmatch(head, "\n([^\r\n:]+):[ \t]*([^\r\n]-)[ \t]*\r") do
    name = lower(name)
    found[name] = found[name] and found[name] .. ", " .. value or value
  end
  return found
end

return { read = read, headers = headers, framing = framing, is_plain = is_plain }
