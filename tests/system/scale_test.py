# SPDX-License-Identifier: GPL-3.0-or-later
"""More connections than one address has ports, and many VUs at once that lose their server."""

import signal
import subprocess
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

    def established(self, port):
        out = subprocess.run([harness.program("ss"), "-tnH", "state", "established",
                              f"( sport = :{port} )"], capture_output=True, check=True).stdout
        return out.count(b"\n")

    @unittest.skipIf(harness.SLOWDOWN > 1, "the small range above stands for it")
    def test_seventy_thousand_to_one_port(self):
        """More than twice what one address has. Direct descriptors are limited to RLIMIT_NOFILE for each
        ring, so there are more workers than cores."""
        vus = 70_000
        with harness.serve("echo", workers=8) as server:
            with harness.start(HOLD, "--vus", str(vus), "--duration", "5m", "--workers", "8",
                               "--local-ips", "auto", "--quiet",
                               env={"PORT": server.port, "HOLD": "600"}) as running:
                harness.wait_until(lambda: self.established(server.port) == vus,
                                   f"{vus} connections at once", seconds=120)
                running.signal(signal.SIGINT)
                run = running.finish()
            counts = server.stop()
        self.assertEqual(run.code, 105, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertEqual(run.count("tcp_sockets"), vus, run)
        self.assertEqual(counts["accepted"], vus)
        self.assertEqual(counts["open"], 0)


if __name__ == "__main__":
    unittest.main()
