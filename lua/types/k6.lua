-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # k6
---
---```lua
---local k6 = require("k6") -- or require("ringload")
---```
---
---Sleeping, checks, groups, and doing several things at a time in one VU. Read-only.

---@class k6
local k6 = {}

---Suspend this coroutine. Handlers and the other coroutines of the VU run on. 0 or less lets them run first, and goes on.
---
---Raises an argument error where seconds is no number or NaN; an error in the init context, and where nothing can wait:
---in a `__close` or `__tostring` metamethod, and in a function that `table.sort` or `string.gsub` calls.
---@async
---@param seconds number fractions count
function k6.sleep(seconds) end

---End this iteration with an error, unless a `pcall` catches it.
---
---Raises message as a text, with the place of the call before it.
---@param message? any `fail` if it is nil
function k6.fail(message) end

---Milliseconds since some moment in the past, as of this turn of the loop: the time that all samples have. It stands still
---while a handler computes. Take the difference of two.
---
---Raises nothing.
---@return number ms with fractions
function k6.now() end

---Seed `math.random` of this VU. Without it each VU has a seed of its own, different in each run.
---
---Raises an argument error where seed is no number.
---@param seed number its fraction is dropped
function k6.randomSeed(seed) end
k6.random_seed = k6.randomSeed

---One sample of the metric `checks` for each entry of set, with the tag `check`. An entry that is a function is
---called with value, and what it returns counts. What is neither nil nor false passes. A failed check ends nothing: it is
---counted. The names of a table by name are taken in byte order.
---
---Waits if a function of set does.
---
---Raises an argument error where set or tags is no table; an error where a name is no string or contains `::`, and in the
---init context. What a function of set raises counts as a failed check and passes on. A tag that is no string, number or
---boolean is left out with a warning; with the option `throw` it is an error.
---@param value any given to each function
---@param set table<string, any>|{ [1]: string, [2]: any }[] name to test; or pairs of both, in their order
---@param tags? ringload.Tags of these samples
---@return boolean passed whether all of them passed
function k6.check(value, set, tags) end

---Run fn; samples taken meanwhile carry the tag `group`, which is `::name`, and `::outer::name` in another group. One
---sample of `group_duration`.
---
---Waits if fn does.
---
---Raises an error where name is no string or contains `::`, where fn is no function, and in the init context; and what fn
---raises.
---@generic T
---@param name string
---@param fn fun(): T
---@return T ... what fn returns
function k6.group(name, fn) end

---Run fn beside this code: it begins when this code waits or ends. Spawned functions begin in the order of their calls.
---The iteration goes on until all of them have ended.
---
---An error in fn ends the iteration.
---
---Raises an argument error where fn is no function; an error in the init context, when the iteration has ended, and when
---5000 functions of this VU run or wait.
---@param fn function
---@param ... any its arguments
function k6.spawn(fn, ...) end

---Run functions beside each other and wait until all have returned.
---
---Raises the first error of one of them, at once; the others run on. An argument error where functions is no list of
---functions; and what `k6.sleep` raises where nothing can wait.
---@async
---@param functions (fun(): any)[]
---@return table results the first result of each, in the order of functions; `n` is their number
function k6.all(functions) end

---Run functions beside each other and wait until the first has ended. The others run on.
---
---Raises what that one raises. An argument error where functions is no list of functions or empty; and what `k6.sleep`
---raises where nothing can wait.
---@async
---@param functions (fun(): any)[]
---@return any result its first result
function k6.race(functions) end

---Tags of samples. Numbers and booleans become strings, whole numbers without a fraction.
---@alias ringload.Tags table<string, string|number|boolean>

return k6
