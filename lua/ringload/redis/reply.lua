-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- reply: a reply of Redis from a reader, RESP2 and RESP3.
--
--   + : ( ,   a line: string, integer, big number as a string, number
--   $ =       a block of bytes: string; = without the three letters of its format
--   - !       an error, as an object
--   * ~       a list; nil in it is json.null
--   %         a map, as a table by key
--   _ #       nil, boolean
--   > |       pushed to whoever listens, and notes on what follows: skipped

local json = require("json")

local byte, sub, match, format = string.byte, string.sub, string.match, string.format
local null = json.null

local LINE_BYTES, DEPTH = 65536, 32

-- limits: max_reply, bytes of a block and elements of a list. new_error(text): makes an error object.
local function reader_of(new_error)
  local read

  local function count_of(reader, line, limits)
    local count = math.tointeger(tonumber(match(line, "^.(-?%d+)$")))
    if not count or count < -1 then
      reader.fail("EPROTO", format("this is no size: %q", sub(line, 1, 40)))
    elseif count > limits.max_reply then
      reader.fail("EMSGSIZE", "the reply says it has " .. count .. " of something, more than " .. limits.max_reply)
    end
    return count
  end

  local function block(reader, line, limits)
    local size = count_of(reader, line, limits)
    if size < 0 then
      return nil
    end
    local text = reader:exactly(size)
    if reader:exactly(2) ~= "\r\n" then
      reader.fail("EPROTO", "a block does not end where its size says")
    end
    return text
  end

  local function list(reader, line, limits, depth)
    local count = count_of(reader, line, limits)
    if count < 0 then
      return nil
    end
    local items = {}
    for i = 1, count do
      local item = read(reader, limits, depth + 1)
      items[i] = item == nil and null or item
    end
    return items
  end

  local function map(reader, line, limits, depth)
    local items = {}
    for _ = 1, count_of(reader, line, limits) do
      local key = read(reader, limits, depth + 1)
      local value = read(reader, limits, depth + 1)
      if key == nil or key ~= key then
        reader.fail("EPROTO", "a key of a map is nil")
      end
      items[key] = value == nil and null or value
    end
    return items
  end

  local function number(reader, line)
    local text = sub(line, 2)
    local special = { inf = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 }
    local value = special[text] or tonumber(match(text, "^[%d.eE+-]+$"))
    if not value then
      reader.fail("EPROTO", format("this is no number: %q", sub(line, 1, 40)))
    end
    return value
  end

  local function integer(reader, line)
    local value = math.tointeger(tonumber(match(line, "^:([+-]?%d+)$")))
    if not value then
      reader.fail("EPROTO", format("this is no integer: %q", sub(line, 1, 40)))
    end
    return value
  end

  local function text(_, line)
    return sub(line, 2)
  end

  local kinds = {
    [byte("+")] = text,
    [byte("(")] = text,
    [byte(":")] = integer,
    [byte(",")] = number,
    [byte("$")] = block,
    [byte("*")] = list,
    [byte("~")] = list,
    [byte("%")] = map,
    [byte("-")] = function(_, line)
      return new_error(sub(line, 2))
    end,
    [byte("!")] = function(reader, line, limits)
      return new_error(block(reader, line, limits) or "")
    end,
    [byte("=")] = function(reader, line, limits)
      return sub(block(reader, line, limits) or "", 5)
    end,
    [byte("_")] = function()
      return nil
    end,
    [byte("#")] = function(_, line)
      return line == "#t"
    end,
    [byte(">")] = function(reader, line, limits, depth)
      list(reader, line, limits, depth)
      return read(reader, limits, depth)
    end,
    [byte("|")] = function(reader, line, limits, depth)
      map(reader, line, limits, depth)
      return read(reader, limits, depth)
    end,
  }

  function read(reader, limits, depth)
    local line = reader:line(LINE_BYTES, "a line of the reply")
    local kind = kinds[byte(line)]
    if not kind then
      reader.fail("EPROTO", format("this is no reply of Redis: %q", sub(line, 1, 40)))
    elseif depth > DEPTH then
      reader.fail("EPROTO", "the reply is nested deeper than " .. DEPTH .. " levels")
    end
    return kind(reader, line, limits, depth)
  end

  return function(reader, limits)
    return read(reader, limits, 1)
  end
end

return { reader_of = reader_of }
