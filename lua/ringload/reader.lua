-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- reader: what arrives on a socket, as lines and blocks, wherever the chunks are cut.
--
-- Each method waits until it has what it is asked for. What ends that (time, the peer, a bound) is
-- told to fail(code, message), which raises.

local k6 = require("k6")

local find, sub = string.find, string.sub
local concat = table.concat
local now = k6.now

local Reader = {}
local meta = { __index = Reader, __metatable = false, __name = "Reader" }

local PASSED = "no more came in time"
local CLOSED = "the server closed the connection in the middle of its answer"

-- first: what has arrived already. deadline: of all that the reader waits for, as k6.now; nil: none.
local function new(socket, first, deadline, fail)
  return setmetatable({ socket = socket, buffer = first, at = 1, deadline = deadline, fail = fail }, meta)
end

-- The next chunk; nil and "timeout" or "closed".
local function next_chunk(self)
  local left = self.deadline and self.deadline - now()
  if left and left < 0 then
    return nil, "timeout"
  end
  local ok, data = self.socket:wait("data", left)
  if not ok then
    return nil, data
  end
  return data
end

-- Add the next chunk to what is left of the buffer.
function Reader:more()
  local data, why = next_chunk(self)
  if not data then
    self.fail(why == "timeout" and "ETIMEDOUT" or "ECLOSED", why == "timeout" and PASSED or CLOSED)
  end
  self.buffer = self.at > #self.buffer and data or sub(self.buffer, self.at) .. data
  self.at = 1
end

-- Up to and with marker. What is longer than max bytes fails with EMSGSIZE; what: its name.
function Reader:upto(marker, max, what)
  local from = self.at
  while true do
    local buffer = self.buffer
    local _, last = find(buffer, marker, from, true)
    local size = (last or #buffer) - self.at + 1
    if size > max then
      self.fail("EMSGSIZE", what .. " is longer than " .. max .. " bytes")
    end
    if last then
      local text = sub(buffer, self.at, last)
      self.at = last + 1
      return text
    end
    self:more()
    from = size - #marker + 2 -- the marker may have begun in what was searched
    if from < 1 then
      from = 1
    end
  end
end

-- A line without its CR LF.
function Reader:line(max, what)
  return sub(self:upto("\r\n", max, what), 1, -3)
end

-- A block of size bytes.
function Reader:exactly(size)
  local buffer, at = self.buffer, self.at
  local have = #buffer - at + 1
  if have >= size then
    self.at = at + size
    return sub(buffer, at, at + size - 1)
  end
  local pieces, count = { sub(buffer, at) }, 1
  self.buffer, self.at = "", 1
  while have < size do
    self:more()
    local piece = self.buffer
    local missing = size - have
    have = have + #piece
    if #piece > missing then
      self.at = missing + 1
      piece = sub(piece, 1, missing)
    else
      self.buffer = ""
    end
    count = count + 1
    pieces[count] = piece
  end
  return concat(pieces, "", 1, count)
end

-- All until the peer closes.
function Reader:rest(max, what)
  local pieces, count = { sub(self.buffer, self.at) }, 1
  local size = #pieces[1]
  self.buffer, self.at = "", 1
  while size <= max do
    local data, why = next_chunk(self)
    if not data then
      if why == "timeout" then
        self.fail("ETIMEDOUT", PASSED)
      end
      return concat(pieces, "", 1, count)
    end
    size = size + #data
    count = count + 1
    pieces[count] = data
  end
  self.fail("EMSGSIZE", what .. " is longer than " .. max .. " bytes")
end

-- Is there something that has arrived and was not asked for?
function Reader:has_more()
  return self.at <= #self.buffer
end

return { new = new }
