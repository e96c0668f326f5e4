# SPDX-License-Identifier: GPL-3.0-or-later
"""More connections than one address has ports, and many VUs at once that lose their server."""

import os
import signal
import subprocess
import time
import unittest

import harness

HOLD = """
local tcp = require("k6/x/tcp")
local k6 = require("k6")
function default()
  local s = tcp.Socket.new()
  s:connect(tonumber(__ENV.SERVE_PORT or __ENV.PORT), "127.0.0.1")
  k6.sleep(tonumber(__ENV.HOLD))
  s:destroy()
end
"""
PORTS = 1000

# Each connection that was opened is lost once, by close; then the target refuses.
LOSER = """
local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")
local opened, closed, lost, refused = metrics.Counter("opened"), metrics.Counter("closed"),
                                      metrics.Counter("lost"), metrics.Counter("refused")
options = { scenarios = { crowd = { executor = "constant-vus", vus = tonumber(__ENV.VUS),
                                    duration = __ENV.DURATION, gracefulStop = __ENV.GRACE } } }

function default()
  local s = tcp.Socket.new()
  s:on("error", function() end)
  s:on("data", function() end)
  if not pcall(s.connect, s, tonumber(__ENV.PORT), "127.0.0.1") then
    refused:add(1)
    k6.sleep(3 + math.random() * 4)
    return
  end
  opened:add(1)
  s:on("close", function() closed:add(1) end)
  pcall(s.write, s, "are you there?")
  s:wait("close")
  lost:add(1)
end
"""
CROWD = int(os.environ.get("RINGLOAD_TEST_CROWD", "0")) or (20_000 if harness.SLOWDOWN == 1 else 1_000)
WORKERS = max(4, CROWD // 15_000)


def established(port):
    out = subprocess.run([harness.program("ss"), "-tnH", "state", "established",
                          f"( sport = :{port} )"], capture_output=True, check=True).stdout
    return out.count(b"\n")


class SourcePools(unittest.TestCase):
    """--local-ips auto."""

    def in_small_range(self, *flags, vus, without=""):
        before = harness.in_namespace(
            f'sysctl -qw net.ipv4.ip_local_port_range="20000 {20000 + PORTS - 1}"')
        return harness.run(HOLD, "--serve", "sink", "--vus", str(vus), "--iterations", str(vus),
                           "--workers", "3", *flags, env={"HOLD": "3"}, before=before,
                           system_env={"RINGLOAD_WITHOUT": without}, seconds=90)

    def test_the_next_address_when_the_ports_of_one_are_used(self):
        for without in ("", "port_range", "direct"):
            with self.subTest(without=without):
                run = self.in_small_range("--local-ips", "auto", vus=7 * PORTS // 2, without=without)
                self.assertEqual(run.code, 0, run)
                self.assertEqual(run.count("tcp_errors"), 0, run)
                self.assertEqual(run.count("tcp_sockets"), 7 * PORTS // 2, run)
                self.assertNotIn("source port", run.errors)

    def test_a_target_without_ports_left_is_named(self):
        run = self.in_small_range(vus=5 * PORTS // 2)
        told = [line for line in run.errors.splitlines() if "found no source port" in line]
        self.assertEqual(len(told), 1, run)
        self.assertIn(f"one address of this machine has {PORTS} ports to it", told[0])
        self.assertIn("2500 connections at a time want 3 addresses; use --local-ips auto", told[0])
        self.assertGreater(run.count("tcp_errors"), 0, run)

    def test_auto_stands_alone(self):
        run = harness.run(HOLD, "--local-ips", "127.0.0.1,auto", env={"PORT": 1})
        self.assertEqual(run.code, 255, run)
        self.assertIn("write it alone", run.errors)

    @unittest.skipIf(harness.SLOWDOWN > 1, "the small range above stands for it")
    def test_seventy_thousand_to_one_port(self):
        """More than twice what one address has, and on each worker more than RLIMIT_NOFILE lets a ring have: the
        server has more workers than cores for it, a run has further rings."""
        vus = 70_000
        with harness.serve("echo", workers=8) as server:
            with harness.start(HOLD, "--vus", str(vus), "--duration", "5m", "--workers", "2",
                               "--local-ips", "auto", "--quiet",
                               env={"PORT": server.port, "HOLD": "600"}) as running:
                harness.wait_until(lambda: established(server.port) == vus,
                                   f"{vus} connections at once", seconds=120)
                running.signal(signal.SIGINT)
                run = running.finish()
            counts = server.stop()
        self.assertEqual(run.code, 105, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertEqual(run.count("tcp_sockets"), vus, run)
        self.assertEqual(counts["accepted"], vus)
        self.assertEqual(counts["open"], 0)


class Crowd(unittest.TestCase):
    """RINGLOAD_TEST_CROWD VUs, 20,000 unless it is said."""

    def crowd(self, server, duration, grace, *flags):
        return harness.start(LOSER, "--workers", str(WORKERS), "--local-ips", "auto", "--quiet", *flags,
                             env={"PORT": server.port, "VUS": CROWD, "DURATION": f"{duration}s",
                                  "GRACE": f"{grace}s"})

    def wait_for_crowd(self, server, seconds):
        """All are connected, or it has taken long enough: what is tested holds for fewer, too."""
        end = time.monotonic() + seconds * harness.SLOWDOWN
        while (count := established(server.port)) < CROWD and time.monotonic() < end:
            time.sleep(0.2)
        self.assertGreater(count, 0)

    def test_the_server_is_killed(self):
        """No crash, counts conserved, and the end comes within gracefulStop."""
        grace = 2
        duration = round((18 + CROWD // 4000) * min(harness.SLOWDOWN, 3))
        with harness.serve("echo", workers=WORKERS) as server:
            with self.crowd(server, duration, grace) as running:
                self.wait_for_crowd(server, duration / 3 / harness.SLOWDOWN)
                server.kill()
                run = running.finish(seconds=duration + grace + 60)
        self.assertEqual(run.code, 0, run)
        opened, ended = run.count("opened"), run.count("lost") + run.count("refused")
        self.assertGreater(opened, 0, run)
        self.assertEqual(run.count("tcp_sockets"), opened, run)
        self.assertEqual(run.count("closed"), opened, run)
        self.assertEqual(run.count("lost"), opened, run)
        self.assertGreater(run.count("refused"), 0, run)
        self.assertGreaterEqual(run.count("tcp_errors"), run.count("refused"), run)
        self.assertLessEqual(run.count("iterations"), ended, run)
        self.assertGreaterEqual(run.count("iterations"), ended - CROWD, run)
        self.assertEqual(run.metric("vus_max")["value"], CROWD, run)
        self.assertLess(run.seconds, duration + grace + 15 * harness.SLOWDOWN, run)
        self.assertLess(len(run.errors.splitlines()), 20 * run.seconds + 100)
        self.assertNotIn("did not close in time", run.errors)

    def interrupted(self, *signals):
        """All connections are closed when the process has ended; how long that took."""
        with harness.serve("echo", workers=WORKERS) as server:
            with self.crowd(server, 600, 30) as running:
                self.wait_for_crowd(server, 30)
                begin = time.monotonic()
                for sig in signals:
                    running.signal(sig)
                    time.sleep(0.05)
                run = running.finish()
                took = time.monotonic() - begin
            harness.wait_until(lambda: established(server.port) == 0, "the kernel closes all")
            counts = server.stop()
        self.assertEqual(run.code, 105, run)
        self.assertEqual(counts["open"], 0)
        self.assertLess(took, (10 + CROWD / 10_000) * harness.SLOWDOWN)
        return run, counts

    def test_a_signal_ends_all_connections(self):
        run, counts = self.interrupted(signal.SIGINT)
        self.assertLessEqual(run.count("tcp_sockets"), counts["accepted"], run)
        self.assertGreaterEqual(run.count("tcp_sockets"), counts["accepted"] - CROWD, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertNotIn("did not close in time", run.errors)

    def test_a_second_signal_ends_at_once(self):
        self.interrupted(signal.SIGINT, signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
