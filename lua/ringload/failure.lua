-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- failure: error objects of a protocol module, as tcp.TCPError is one of the sockets.
--
-- kind(name, text) gives what makes them, and what getmetatable(e) gives for one of them: a table
-- that nobody can write to, with the name.

local function kind(name, text)
  local mark = setmetatable({}, {
    __index = { name = name },
    __newindex = function()
      error("'" .. name .. "' is read-only", 2)
    end,
    __pairs = function()
      return next, { name = name }
    end,
    __metatable = false,
  })
  local meta = { __name = name, __tostring = text, __metatable = mark }

  local function new(fields)
    fields.name = name
    return setmetatable(fields, meta)
  end
  return new, mark
end

return { kind = kind }
