-- SPDX-License-Identifier: GPL-3.0-or-later
-- setup's result reaches each VU as a table of its own (E-030, E-031), teardown gets it afresh.
local k6 = require("k6")
local tcp = require("k6/x/tcp")
local exec = require("k6/execution")

local function ask(text)
  local s <close> = tcp.Socket.new()
  s:connect(__ENV.PORT, __ENV.HOST)
  s:write(text)
  return select(2, s:wait("data", 5000))
end

function setup()
  return { token = ask("token"), list = { 1, 2, 3 } }
end

function default(data)
  data.mine = (data.mine or 0) + 1
  k6.check(data, {
    { "the data is there", function(d) return d.token == "token" and #d.list == 3 end },
    { "it lasts, for this VU", data.mine == __ITER + 1 },
    { "the VU knows its place", exec.vu.idInInstance == __VU and exec.vu.iterationInInstance == __ITER },
    { "and its scenario", exec.scenario.name == "default" },
    { "sockets work", ask("again") == "again" },
  })
end

function teardown(data)
  if data.token ~= ask("token") or data.mine ~= nil then
    error("teardown sees the data of a VU")
  end
  print("teardown is done")
end
