-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # k6/metrics
---
---```lua
---local metrics = require("k6/metrics") -- or require("ringload/metrics")
---```
---
---Metrics of the script's own. They are made in the init context, and the same ones in each VU. Read-only.

---@class k6.metrics
local metrics = {}

---@class k6.metrics.Metric
---@field name string
local metric = {}

---A metric whose samples are added up.
---
---Raises an argument error where name is no string; an error outside of the init context, where name is not 2 to 129
---letters, digits and `_` with no digit first, where a metric of that name has another type, and where it was not made
---when the script was looked at, with `__VU` 0.
---@param name string
---@param is_time? boolean its values are milliseconds, and are shown as times
---@return k6.metrics.Metric
function metrics.Counter(name, is_time) end

---A metric of which the last value counts, and the smallest and largest.
---
---Raises what `metrics.Counter` does.
---@param name string
---@param is_time? boolean its values are milliseconds, and are shown as times
---@return k6.metrics.Metric
function metrics.Gauge(name, is_time) end

---A metric that tells how many of its samples are not zero.
---
---Raises what `metrics.Counter` does.
---@param name string
---@param is_time? boolean its values are milliseconds
---@return k6.metrics.Metric
function metrics.Rate(name, is_time) end

---A metric with average, median, percentiles.
---
---Raises what `metrics.Counter` does.
---@param name string
---@param is_time? boolean its values are milliseconds, and are shown as times
---@return k6.metrics.Metric
function metrics.Trend(name, is_time) end

---Several metrics whose samples have the same tags, as a function that adds one to each: looked up once, it costs a fraction
---of `add`. Tags of the VU and its group that change meanwhile are seen.
---
---```lua
---local record = metrics.recorder({ op = "login" }, requests, duration, failed)
---record(1, 12.5, false) -- nil: no sample of that one
---```
---
---Raises an argument error where what is given is no metric, for more than 8 of them, and where tags is no table; an error in
---the init context. The function raises an argument error for what is no number or boolean.
---@param tags? ringload.Tags
---@param ... k6.metrics.Metric
---@return fun(...: number|boolean|nil) record
function metrics.recorder(tags, ...) end

---Add a sample. true counts as 1, false as 0, a string that is a number as that.
---
---Raises an argument error where it is not called with `:` or tags is no table; an error in the init context. A value
---that is no number, and a tag that is no string, number or boolean, are left out with a warning; with the option
---`throw` they are errors.
---@param value number|boolean
---@param tags? ringload.Tags
---@return boolean added false if value was left out
function metric:add(value, tags) end

return metrics
