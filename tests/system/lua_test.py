# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts of tests/lua, run on several workers and cells: their checks tell."""

import pathlib
import unittest

import harness

SCRIPTS = harness.ROOT / "tests" / "lua"


class Scripts(unittest.TestCase):
    def run_script(self, name, *flags, **options):
        run = harness.run(pathlib.Path(SCRIPTS, f"{name}.lua"), *flags, **options)
        self.assertEqual(run.code, 0, str(run))
        return run

    def assert_checks(self, run, count):
        checks = run.metric("checks")
        self.assertEqual((checks.get("passes"), checks.get("fails")), (count, 0), str(run))

    def test_isolation(self):
        run = self.run_script("isolation", "--vus", "60", "--iterations", "300", "--workers", "3",
                              "--vus-per-cell", "7")
        self.assert_checks(run, 300 * 5)

    def test_lifecycle(self):
        with harness.serve("echo") as server:
            run = self.run_script("lifecycle", "--vus", "20", "--iterations", "200", "--workers",
                                  "3", env={"HOST": server.host, "PORT": server.port})
            self.assertEqual(server.stop()["accepted"], 200 + 2)
        self.assert_checks(run, 200 * 5)
        self.assertIn("teardown is done", run.errors)

    def test_together(self):
        with harness.serve("echo") as server:
            run = self.run_script("together", "--vus", "20", "--iterations", "100", "--workers",
                                  "2", env={"HOST": server.host, "PORT": server.port})
            self.assertEqual(server.stop()["accepted"], 100 * 8)
        self.assert_checks(run, 100 * 4)
        self.assertEqual(run.count("tcp_errors"), 100, str(run))

    def test_runaway(self):
        # Long enough to take the memory in, even where all is slow.
        limit, duration = f"{200 * harness.SLOWDOWN:g}ms", f"{2 * harness.SLOWDOWN:g}s"
        run = self.run_script("runaway", "--vus", "8", "--duration", duration, "--workers", "2",
                              "--handler-time", limit, "--handler-memory", "2MiB")
        self.assertIn(f"one handler ran for longer than {limit} (--handler-time)", run.errors)
        self.assertIn("one handler took more than 2MiB of memory (--handler-memory)", run.errors)
        self.assertIn("attempt to index a nil value (local 'nothing')", run.errors)
        self.assertEqual(run.metric("checks").get("fails"), 0, str(run))
        self.assertGreater(run.metric("checks").get("passes"), 5, str(run))


class Examples(unittest.TestCase):
    FOLDER = harness.ROOT / "lua" / "examples"

    def assert_good(self, run, checks):
        self.assertEqual(run.code, 0, str(run))
        self.assertEqual(run.metric("checks").get("fails", 0), 0, str(run))
        self.assertGreaterEqual(run.metric("checks").get("passes", 0), checks, str(run))
        self.assertEqual(run.count("tcp_errors"), 0, str(run))

    def test_basic(self):
        run = harness.run(self.FOLDER / "basic.lua", "--serve", "echo")
        self.assert_good(run, 0)
        for line in ("connected to 127.0.0.1:", "received Hello, TCP!", "closed"):
            self.assertIn(line, run.errors)

    def test_echo(self):
        run = harness.run(self.FOLDER / "echo.lua", "--serve", "echo", "--vus", "50", "--iterations",
                          "500")
        self.assert_good(run, 500)
        self.assertEqual(run.count("echo_round_trips"), 50000, str(run))

    def test_redis(self):
        with harness.redis() as server:
            run = harness.run(self.FOLDER / "redis.lua", "--vus", "20", "--iterations", "200",
                              env={"REDIS_HOST": server.host, "REDIS_PORT": server.port})
        self.assert_good(run, 600)

    def test_http(self):
        with harness.nginx() as server:
            run = harness.run(self.FOLDER / "http.lua", "--vus", "20", "--iterations", "100",
                              env={"HTTP_HOST": server.host, "HTTP_PORT": server.port})
        self.assert_good(run, 1000)


if __name__ == "__main__":
    unittest.main()
