# SPDX-License-Identifier: GPL-3.0-or-later
"""Many VUs at once: 10,000 on two workers echo for half a minute, and both sides count the same."""

import os
import unittest

import harness

SLOWDOWN = int(os.environ.get("RINGLOAD_TEST_SLOWDOWN", "1"))
VUS = 10_000 if SLOWDOWN == 1 else 1_000
SECONDS = 30 if SLOWDOWN == 1 else 5

# Each iteration ends by itself and leaves nothing under way; at the end of the run the last ones finish
# within gracefulStop.
SCRIPT = """
local tcp = require("k6/x/tcp")
local k6 = require("k6")
local message = string.rep("x", 64)

function default()
  local s = tcp.Socket.new()
  local echoes = 0
  s:on("data", function(d)
    echoes = echoes + 1
    if echoes < 20 then s:write(message) else s:destroy() end
  end)
  s:connect(tonumber(__ENV.PORT), __ENV.HOST)
  s:write(message)
  s:wait("close")
  k6.check(s, { ["all came back"] = function(v) return v.bytes_read == 20 * 64 end })
  k6.sleep(math.random() * 10)
end
"""


class Crowd(unittest.TestCase):
    def test_ten_thousand_users_on_two_workers(self):
        with harness.serve("echo") as server:
            run = harness.run(SCRIPT, "--vus", str(VUS), "--duration", f"{SECONDS}s", "--workers", "2",
                              env={"PORT": server.port, "HOST": server.host}, seconds=150)
        counts = server.counts
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertGreaterEqual(run.count("iterations"), VUS)
        self.assertEqual(run.count("tcp_sockets"), counts["accepted"], run)
        self.assertEqual(run.count("data_sent"), counts["bytes_in"], run)
        self.assertEqual(run.count("data_received"), counts["bytes_out"], run)
        self.assertEqual(run.metric("checks")["fails"], 0, run)
        self.assertEqual(run.metric("vus_max")["value"], VUS, run)


if __name__ == "__main__":
    unittest.main()
