-- SPDX-License-Identifier: GPL-3.0-or-later
-- VU 1 never comes back, VU 2 takes memory without end, VU 3 fails: the others do not suffer.
local k6 = require("k6")

function default()
  if __VU == 1 then
    while true do
      pcall(function() while true do end end)
    end
  elseif __VU == 2 then
    local kept = {}
    while true do
      kept[#kept + 1] = ("x"):rep(1000) .. #kept
    end
  elseif __VU == 3 then
    local nothing
    nothing.field = 1
  end
  k6.check(true, { ["an innocent VU"] = true })
end
