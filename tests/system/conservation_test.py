# SPDX-License-Identifier: GPL-3.0-or-later
"""The books agree: connections and bytes that ringload counts are those that the server counts."""

import signal
import time
import unittest

import harness

ECHO = """
local tcp = require("k6/x/tcp")
local k6 = require("k6")
local size = tonumber(__ENV.SIZE or "1000")
local payload = string.rep("x", size)

function default()
  local s = tcp.Socket.new()
  local got = 0
  s:on("data", function(d)
    got = got + #d
    if got >= 5 * size then s:destroy() end
  end)
  s:connect(tonumber(__ENV.PORT), __ENV.HOST)
  for i = 1, 5 do s:write(payload) end
  s:wait("close")
  if __ENV.PAUSE then k6.sleep(tonumber(__ENV.PAUSE)) end
end
"""

# One echo and then nothing: when the run ends no byte is under way.
HOLD = """
local tcp = require("k6/x/tcp")
local k6 = require("k6")

function default()
  local s = tcp.Socket.new()
  s:on("data", function() end)
  s:connect(tonumber(__ENV.PORT), __ENV.HOST)
  s:write("hello")
  s:wait("data")
  k6.sleep(1000)
end
"""

# Says something and goes: the answer may find nobody.
RUDE = """
local tcp = require("k6/x/tcp")

function default()
  local s = tcp.Socket.new()
  s:connect(tonumber(__ENV.PORT), __ENV.HOST)
  s:write(string.rep("y", 5000))
  s:destroy()
end
"""

# The server resets at the first byte.
RESET = """
local tcp = require("k6/x/tcp")

function default()
  local s = tcp.Socket.new()
  s:connect(tonumber(__ENV.PORT), __ENV.HOST)
  pcall(s.write, s, "z")
  s:wait("close")
end
"""


def address(server):
    return {"PORT": server.port, "HOST": server.host}


class Equal(unittest.TestCase):
    """Runs that end by themselves: every figure is the same on both sides."""

    def check(self, run, counts):
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("tcp_sockets"), counts["accepted"], run)
        self.assertEqual(run.count("data_sent"), counts["bytes_in"], run)
        self.assertEqual(run.count("data_received"), counts["bytes_out"], run)
        self.assertEqual(counts["open"], 0)
        self.assertEqual(counts["resets"], 0)

    def test_echo(self):
        with harness.serve("echo") as server:
            run = harness.run(ECHO, "--vus", "50", "--iterations", "2000", env=address(server))
        self.check(run, server.counts)
        self.assertEqual(run.count("iterations"), 2000)
        self.assertEqual(run.count("tcp_sockets"), 2000)
        self.assertEqual(run.count("data_sent"), 2000 * 5000)
        self.assertEqual(run.count("tcp_writes"), 10000)
        self.assertEqual(run.count("tcp_errors"), 0)

    def test_echo_on_several_workers(self):
        with harness.serve("echo") as server:
            run = harness.run(ECHO, "--vus", "200", "--iterations", "4000", "--workers", "4",
                              env=address(server))
        self.check(run, server.counts)
        self.assertEqual(run.count("iterations"), 4000)

    def test_large_writes(self):
        size = 300_000
        with harness.serve("echo") as server:
            run = harness.run(ECHO, "--vus", "5", "--iterations", "20",
                              env={**address(server), "SIZE": size})
        self.check(run, server.counts)
        self.assertEqual(run.count("data_sent"), 20 * 5 * size)

    def test_for_a_time(self):
        """With a pause: flat out there are more connections a second than ports to come from."""
        with harness.serve("echo") as server:
            run = harness.run(ECHO, "--vus", "20", "--duration", "2s",
                              env={**address(server), "PAUSE": "0.005"})
        self.check(run, server.counts)
        self.assertGreater(run.count("iterations"), 20)
        self.assertEqual(run.count("iterations"), run.count("tcp_sockets"))

    def test_forced_fallbacks(self):
        for without in ("direct", "send_skip", "buf_ring", "port_range", "defer"):
            with self.subTest(without=without), harness.serve("echo") as server:
                run = harness.run(ECHO, "--vus", "20", "--iterations", "500", env=address(server),
                                  system_env={"RINGLOAD_WITHOUT": without})
            self.check(run, server.counts)
            self.assertEqual(run.count("iterations"), 500)


class WithResets(unittest.TestCase):
    def test_server_resets(self):
        with harness.serve("rst") as server:
            run = harness.run(RESET, "--vus", "20", "--iterations", "500", env=address(server))
        counts = server.counts
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("iterations"), 500)
        self.assertEqual(run.count("tcp_sockets"), 500)
        self.assertEqual(counts["accepted"], 500)
        self.assertEqual(counts["aborted"], 500)
        self.assertEqual(run.count("tcp_errors"), 500)
        self.assertEqual(run.count("data_sent"), counts["bytes_in"])
        self.assertEqual(run.count("data_received"), 0)

    def test_client_leaves_early(self):
        """All that was written arrives; the answer may hit a closed socket."""
        with harness.serve("echo") as server:
            run = harness.run(RUDE, "--vus", "20", "--iterations", "1000", env=address(server))
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("tcp_sockets"), 1000)
        self.assertEqual(server.counts["accepted"], 1000)
        self.assertEqual(run.count("data_sent"), 5_000_000)
        self.assertEqual(server.counts["bytes_in"], 5_000_000)
        self.assertLessEqual(run.count("data_received"), server.counts["bytes_out"])


class WithInterruptions(unittest.TestCase):
    def check_held(self, run, counts, vus):
        self.assertEqual(run.count("tcp_sockets"), vus, run)
        self.assertEqual(counts["accepted"], vus)
        self.assertEqual(run.count("data_sent"), 5 * vus, run)
        self.assertEqual(counts["bytes_in"], 5 * vus)
        self.assertEqual(run.count("data_received"), 5 * vus, run)
        self.assertEqual(counts["bytes_out"], 5 * vus)
        self.assertEqual(run.count("iterations"), 0)

    def test_held_until_the_end(self):
        """All VUs are interrupted, with their sockets open and nothing under way."""
        with harness.serve("echo") as server:
            run = harness.run(HOLD + "options = { scenarios = { s = { executor = 'constant-vus', "
                                     "vus = 300, duration = '2s', gracefulStop = '0s' } } }",
                              "--workers", "2", env=address(server))
        self.assertEqual(run.code, 0, run)
        self.check_held(run, server.counts, 300)

    def test_interrupted_by_hand(self):
        with harness.serve("echo") as server:
            with harness.start(HOLD, "--vus", "100", "--duration", "1m",
                               env=address(server)) as running:
                time.sleep(2 * harness.SLOWDOWN)
                running.signal(signal.SIGINT)
                run = running.finish()
        self.assertEqual(run.code, 105, run)
        self.check_held(run, server.counts, 100)

    def test_in_full_flight(self):
        """Bytes are under way when it ends: what was sent may not have arrived, but nothing arrives
        that was not sent, and every connection is accounted for."""
        with harness.serve("echo") as server:
            with harness.start(ECHO, "--vus", "100", "--duration", "1m",
                               env={**address(server), "PAUSE": "0.02"}) as running:
                time.sleep(2 * harness.SLOWDOWN)
                running.signal(signal.SIGTERM)
                run = running.finish()
        counts = server.counts
        self.assertEqual(run.code, 105, run)
        self.assertGreater(run.count("iterations"), 0)
        self.assertGreaterEqual(counts["accepted"], run.count("tcp_sockets"))
        self.assertLessEqual(counts["accepted"], run.count("tcp_sockets") + 100)
        self.assertGreaterEqual(run.count("data_sent"), counts["bytes_in"] - 100 * 5000)
        self.assertLessEqual(counts["bytes_in"], run.count("data_sent"))
        self.assertLessEqual(run.count("data_received"), counts["bytes_out"])


if __name__ == "__main__":
    unittest.main()
