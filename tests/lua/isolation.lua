-- SPDX-License-Identifier: GPL-3.0-or-later
-- VUs of one cell see nothing of each other, and keep what is theirs (E-010).
local k6 = require("k6")

local upvalue, drawn = 0, math.random(0)
counter = 0

local function refused(f, ...)
  return not pcall(f, ...)
end

function default()
  upvalue = upvalue + 1
  counter = counter + 1
  seen = seen or {}
  seen[__VU] = true
  k6.sleep(0.001 * (__VU % 5)) -- others run meanwhile

  local others = 0
  for _ in pairs(seen) do
    others = others + 1
  end
  k6.check(nil, {
    ["globals are its own"] = counter == __ITER + 1 and others == 1,
    ["upvalues are its own"] = upvalue == __ITER + 1,
    ["numbers are drawn before"] = drawn ~= nil,
    ["libraries are read-only"] = refused(rawset, string, "x", 1) and refused(function() json.x = 1 end),
    ["no way to the system"] = io == nil and os.execute == nil and os.getenv == nil and package == nil,
  })
end
