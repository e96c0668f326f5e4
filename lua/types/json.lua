-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # json
---
---JSON to and from Lua values. A global, and `require("json")`. Read-only.
---
---| JSON | Lua |
---|---|---|
---| `null` | `json.null`; nil is written as null |
---| number without fraction or exponent | integer |
---| other number | float |
---| array | table that `json.array` marked |
---| object | table that `json.object` marked |
---
---A table without mark is an array if its keys are 1, 2, ... n with n > 0, else an object. The names of an object are
---written in byte order.

---@class ringload.json
---JSON's null. It is not nil, and it is true in a condition.
---@field null lightuserdata
json = {}

---A value as JSON.
---
---Raises an error where a value has no JSON form: functions, userdata, threads, NaN, infinity, a table that contains
---itself or is nested too deeply, a key that is no string or number.
---@param value any
---@return string text
function json.encode(value) end

---The value that a JSON text stands for.
---
---Raises an argument error where text is no string, and `invalid JSON at byte N: why`.
---@param text string
---@return any value
function json.decode(text) end

---Mark a table as an array: it is `[]` even when it is empty.
---
---Raises an argument error where t is no table, or has a metatable of its own.
---@generic T: table
---@param t? T a new one if it is nil
---@return T t
function json.array(t) end

---Mark a table as an object: it is `{}` even when its keys are 1 ... n.
---
---Raises an argument error where t is no table, or has a metatable of its own.
---@generic T: table
---@param t? T a new one if it is nil
---@return T t
function json.object(t) end

return json
