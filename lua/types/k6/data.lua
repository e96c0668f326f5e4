-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # k6/data
---
---```lua
---local data = require("k6/data") -- or require("ringload/data")
---local users = data.SharedArray("users", function() return json.decode(open("users.json")) end)
---```
---
---Data that all VUs share. Read-only.

---@class k6.data
local data = {}

---A list that is in memory once, not once a VU. Of the init context only. Elements are kept as JSON: each read gives a
---fresh copy. `#`, `[i]` from 1, `ipairs` and `pairs` work; writing to the list is an error.
---
---Raises an argument error where name is no string or make no function; an error outside of the init context, where make
---returns no table or an element has no JSON form, and where the list was not made when the script was looked at, with
---`__VU` 0; and what make raises.
---@param name string one list a name
---@param make fun(): table runs once, when the script is looked at
---@return table list
function data.SharedArray(name, make) end

return data
