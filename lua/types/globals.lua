-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # Globals
---
---What a script sees without `require`, besides [`json`](json.md), [`console`](console.md) and
---[`options`](options.md).
---
---The main chunk runs in the *init context*: with `__VU` 0 to be looked at, and for setup and teardown; then for each VU.
---Globals are private to a VU and last from one iteration to the next.
---
---Of Lua 5.4 there is, with the meaning of its manual:
---
---| Library | What is there |
---|---|---|
---| basic | `_G` `_VERSION` `assert` `collectgarbage` `error` `getmetatable` `ipairs` `load` `next` `pairs` `pcall` `rawequal` `rawget` `rawlen` `rawset` `select` `setmetatable` `tonumber` `tostring` `type` `xpcall` |
---| `coroutine` | `close` `create` `isyieldable` `resume` `running` `status` `wrap` `yield` |
---| `debug` | `traceback` |
---| `math` | `abs` `acos` `asin` `atan` `ceil` `cos` `deg` `exp` `floor` `fmod` `huge` `log` `max` `maxinteger` `min` `mininteger` `modf` `pi` `rad` `random` `randomseed` `sin` `sqrt` `tan` `tointeger` `type` `ult` |
---| `os` | `clock` `date` `difftime` `time` |
---| `string` | `byte` `char` `find` `format` `gmatch` `gsub` `len` `lower` `match` `pack` `packsize` `rep` `reverse` `sub` `unpack` `upper` |
---| `table` | `concat` `insert` `move` `pack` `remove` `sort` `unpack` |
---| `utf8` | `char` `charpattern` `codepoint` `codes` `len` `offset` |
---
---What differs: `load` takes text only, no bytecode; `collectgarbage` only `"count"`; `setmetatable` refuses `__gc`;
---library tables are read-only; `math.random` has a state for each VU. In a coroutine of the script's own, calls that
---wait suspend the whole handler, not the coroutine.

---Number of this VU, from 1. 0 when the script is looked at, in setup and in teardown.
---@type integer
__VU = 0

---Number of this VU's iteration, from 0. nil in the init context, in setup and in teardown.
---@type integer?
__ITER = nil

---The environment: of the process, of `-e NAME=VALUE`, of the scenario; later ones win. Values are strings. Each VU
---may change its own.
---@type table<string, string>
__ENV = {}

---Read a file, whole. Of the init context only.
---
---Raises an error elsewhere, and if the file cannot be read. A VU can open only what was opened when the script was
---looked at.
---@param path string relative to the folder of the main script; `file://` is accepted
---@param mode? "b" without effect
---@return string content
function open(path, mode) end

---Load a module: one of ringload's, or a file, `name.lua` or `name/init.lua`. It is looked for beside the file that
---requires it, then, unless name begins with `./` or `../`, beside the main script. Of the init context only. A module
---runs once a VU.
---
---Raises an error elsewhere, if there is no such module, and what the module raises.
---@param name string
---@return any module what the file returned; true if that was nothing
function require(name) end

---Log, as [`console.log`](console.md) does.
---
---Raises nothing of its own: an error in a `__tostring` metamethod passes.
---@param ... any
function print(...) end
