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


# Over TLS: connections of 8 echoes, about a second apart; as many as each user makes.
TLS_VUS = 10_000 if SLOWDOWN == 1 else 500
TLS_CONNECTIONS = 5 if os.environ.get("RINGLOAD_TEST_FULL") else 1
TLS_SCRIPT = """
local tcp = require("k6/x/tcp")
local k6 = require("k6")
local message = string.rep("x", 64)

options = {
  scenarios = { crowd = { executor = "per-vu-iterations", vus = tonumber(__ENV.VUS),
                          iterations = tonumber(__ENV.CONNECTIONS), maxDuration = "3m" } },
}

function default()
  local s = tcp.Socket.new()
  s:on("data", function() end)
  s:connect{ host = __ENV.HOST, port = __ENV.PORT, tls = true }
  for echo = 1, 8 do
    s:write(message)
    while s.bytes_read < echo * 64 do s:wait("data") end
    k6.sleep(math.random() * 2)
  end
  s:destroy()
  k6.check(s, { ["all came back"] = function(v) return v.bytes_read == 8 * 64 end })
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

    def test_ten_thousand_users_over_tls(self):
        """For half a minute with RINGLOAD_TEST_FULL=1, else for some eight seconds."""
        connections = TLS_VUS * TLS_CONNECTIONS
        with harness.serve("echo", extra=("--tls",)) as server:
            run = harness.run(TLS_SCRIPT, "--insecure-skip-tls-verify", "--workers", "2",
                              env={"PORT": server.port, "HOST": server.host, "VUS": TLS_VUS,
                                   "CONNECTIONS": TLS_CONNECTIONS}, seconds=250)
        counts = server.counts
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertEqual(run.count("iterations"), connections, run)
        self.assertEqual(run.count("tcp_sockets"), connections, run)
        self.assertEqual((counts["accepted"], counts["handshakes"]), (connections, connections))
        self.assertEqual(run.count("data_sent"), counts["bytes_in"], run)
        # The server answers close_notify with its own, and who has closed reads it no more.
        unread = counts["bytes_out"] - run.count("data_received")
        self.assertTrue(0 <= unread <= 24 * connections, (unread, connections))
        self.assertEqual(run.metric("checks")["fails"], 0, run)
        self.assertGreater(run.seconds, 6 * TLS_CONNECTIONS)


if __name__ == "__main__":
    unittest.main()
