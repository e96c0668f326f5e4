-- SPDX-License-Identifier: GPL-3.0-or-later
---@meta
--- # k6/execution
---
---```lua
---local exec = require("k6/execution") -- or require("ringload/execution")
---```
---
---Where the script is, read live. Only tags and metadata can be written. In the init context every field of `instance`,
---`scenario` and `vu` raises an error.

---@class k6.execution
---@field instance k6.execution.Instance this process
---@field scenario k6.execution.Scenario the scenario of this VU
---@field vu k6.execution.VU
---@field test k6.execution.Test
local exec = {}

---@class k6.execution.Instance
---@field iterationsCompleted integer
---@field iterationsInterrupted integer
---@field vusActive integer VUs that run iterations
---@field vusInitialized integer VUs that have been made
---@field currentTestRunDuration number ms since the start
local instance = {}

---In setup and teardown every field raises an error.
---@class k6.execution.Scenario
---@field name string
---@field executor string such as `constant-vus`
---@field startTime integer ms since 1970
---@field progress number from 0 to 1: of the time, or of the iterations where their number is given
---@field iterationInInstance integer number of this iteration in this process, from 0
---@field iterationInTest integer number of this iteration in the whole test, from 0
local scenario = {}

---@class k6.execution.VU
---@field idInInstance integer from 1; `__VU`
---@field idInTest integer from 1
---@field iterationInInstance integer from 0; `__ITER`
---@field iterationInScenario integer from 0
---@field tags ringload.Tags As metrics.tags.
---@field metrics k6.execution.VUMetrics
local vu = {}

---@class k6.execution.VUMetrics
---The tags of all samples that this VU takes. Values that are no string, number or boolean are left out with a warning;
---with the option `throw` they are errors. nil takes a tag away. What is set lasts until it is changed, or until the VU
---runs another scenario.
---@field tags ringload.Tags
---A table of the script's own.
---@field metadata table
local vu_metrics = {}

---@class k6.execution.Test
local test = {}

---End the whole test now, with exit code 108. Other VUs are interrupted; teardown runs and there is a summary. In setup:
---no teardown. In the init context: nothing runs.
---
---Raises what no `pcall` can catch; an argument error where message is no string.
---@param message? string `test aborted`
function test.abort(message) end

---Log an error and go on; the exit code is 110, unless there is another reason not to end with 0.
---
---Raises an argument error where message is no string; an error in the init context.
---@param message? string `test failed`
function test.fail(message) end

return exec
