-- SPDX-License-Identifier: GPL-3.0-or-later
-- Several sockets of a VU at a time: all, race, spawn, scripts' own coroutines, errors caught on the way.
local k6 = require("k6")
local tcp = require("k6/x/tcp")

local function echo(text)
  local s <close> = tcp.Socket.new({ tags = { text = text } })
  s:connect({ host = __ENV.HOST, port = __ENV.PORT })
  s:write(text)
  local ok, data = s:wait("data", 5000)
  return ok and data
end

-- Lines as an iterator that waits for the network inside of a coroutine.
local function echoes(...)
  local words = { ... }
  return coroutine.wrap(function()
    for _, word in ipairs(words) do
      coroutine.yield(echo(word))
    end
  end)
end

function default()
  local replies = k6.all({
    function() return echo("one") end,
    function() return echo("two") end,
    function() return echo("three") end,
  })
  k6.check(replies, { ["all three"] = function(r) return table.concat(r, " ") == "one two three" end })

  local first = k6.race({
    function() k6.sleep(0.2) return "slow" end,
    function() return echo("fast") end,
  })
  k6.check(first, { ["the first"] = first == "fast" })

  local collected = {}
  for reply in echoes("a", "b", "c") do
    collected[#collected + 1] = reply
  end
  k6.check(collected, { ["in a coroutine"] = table.concat(collected) == "abc" })

  local ok, err = pcall(k6.all, {
    function() return echo("fine") end,
    function() tcp.Socket.new():connect(1, __ENV.HOST) end,
  })
  k6.check(err, {
    ["the failure comes through"] = not ok and getmetatable(err) == tcp.TCPError and err.code == "ECONNREFUSED",
  })
end
