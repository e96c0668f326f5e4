# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of lua/examples/ against real servers, and with `--serve` as their comments say."""

import socket
import unittest

import harness
import tls_certs
import tls_peers

EXAMPLES = harness.ROOT / "lua" / "examples"


class Example(unittest.TestCase):
    def run_example(self, name, *flags, **env):
        run = harness.run(EXAMPLES / name, *flags, env=env)
        self.assertEqual(run.code, 0, run)
        self.assertGreater(run.count("iterations"), 0, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertNotIn("level=error", run.errors)
        return run

    def check_checks(self, run):
        checks = run.metric("checks")
        self.assertGreater(checks.get("passes", 0), 0, run)
        self.assertEqual(checks.get("fails"), 0, run)


class Echo(Example):
    def test_against_a_server(self):
        with harness.serve("echo") as server:
            run = self.run_example("echo.lua", "--vus", "20", "--duration", "1s",
                                   HOST=server.host, PORT=server.port)
        self.check_checks(run)
        self.assertEqual(run.count("tcp_sockets"), server.counts["accepted"])
        self.assertEqual(run.count("data_sent"), server.counts["bytes_in"])
        self.assertEqual(run.count("data_received"), server.counts["bytes_out"])
        self.assertEqual(run.count("echo_round_trips"), 100 * run.count("iterations"))

    def test_in_the_same_process(self):
        run = self.run_example("echo.lua", "--serve", "echo", "--vus", "1000", "--duration", "2s")
        self.check_checks(run)
        self.assertGreaterEqual(run.count("tcp_sockets"), 1000)

    def test_large_messages(self):
        with harness.serve("echo") as server:
            run = self.run_example("echo.lua", "--vus", "4", "--iterations", "8", HOST=server.host,
                                   PORT=server.port, SIZE=100_000)
        self.check_checks(run)
        self.assertEqual(run.count("data_received"), 8 * 100 * 100_000)
        self.assertEqual(server.counts["bytes_out"], 8 * 100 * 100_000)


class Basic(Example):
    def test_against_a_server(self):
        with harness.serve("echo") as server:
            run = self.run_example("basic.lua", HOST=server.host, PORT=server.port)
        told = run.out + run.errors
        for line in (f"connected to 127.0.0.1:{server.port}", "received Hello, TCP!", "closed"):
            self.assertIn(line, told)
        self.assertEqual(server.counts["bytes_in"], len("Hello, TCP!"))

    def test_in_the_same_process(self):
        self.run_example("basic.lua", "--serve", "echo")


class Redis(Example):
    def test_against_redis(self):
        with harness.redis() as redis:
            run = self.run_example("redis.lua", "--vus", "20", "--duration", "2s",
                                   REDIS_HOST=redis.host, REDIS_PORT=redis.port)
            stats = self.info(redis)
        self.check_checks(run)
        self.assertEqual(int(stats["total_net_input_bytes"]) - self.own_bytes,
                         run.count("data_sent"), run)
        self.assertEqual(int(stats["total_commands_processed"]), run.count("redis_commands"))

    def info(self, redis):
        """What redis says of itself."""
        question = b"INFO stats\r\n"
        self.own_bytes = len(question)
        with socket.create_connection((redis.host, redis.port), timeout=5) as peer:
            peer.sendall(question)
            size = b""
            while not size.endswith(b"\r\n"):
                size += harness.read_exactly(peer, 1)
            text = harness.read_exactly(peer, int(size[1:])).decode()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


class Http(Example):
    def test_against_nginx(self):
        with harness.nginx() as nginx:
            run = self.run_example("http.lua", "--vus", "20", "--duration", "2s",
                                   HTTP_HOST=nginx.host, HTTP_PORT=nginx.port)
        self.check_checks(run)
        self.assertEqual(run.metric("http_body_bytes").get("max"), len("hello\n"))

    def test_against_our_own(self):
        with harness.serve("http") as server:
            run = self.run_example("http.lua", "--vus", "20", "--iterations", "100",
                                   HTTP_HOST=server.host, HTTP_PORT=server.port)
        self.check_checks(run)
        self.assertEqual(server.counts["requests"], 1000)
        self.assertEqual(server.counts["accepted"], run.count("tcp_sockets"))
        self.assertEqual(server.counts["bytes_in"], run.count("data_sent"))
        self.assertEqual(server.counts["bytes_out"], run.count("data_received"))


class Tls(Example):
    def test_against_nginx(self):
        with tls_certs.made() as certs, tls_peers.nginx(certs, certs.ecdsa) as nginx:
            run = self.run_example("tls.lua", "--vus", "5", "--iterations", "20",
                                   "--summary-trend-stats", "count",
                                   TLS_HOST=nginx.host, TLS_PORT=nginx.port, TLS_CA=certs.ca)
        self.check_checks(run)
        self.assertEqual(run.count("tcp_sockets"), 40)
        self.assertEqual(run.metric("tcp_tls_handshaking")["count"], 40)
        resumed = run.metric("tcp_tls_resumed")
        self.assertEqual(resumed["passes"] + resumed["fails"], 40)
        self.assertGreaterEqual(resumed["passes"], 35, run)  # all but the first of each VU

    def test_verification_can_be_switched_off(self):
        with tls_certs.made() as certs, tls_peers.nginx(certs, certs.unknown) as nginx:
            run = self.run_example("tls.lua", "--insecure-skip-tls-verify", "--iterations", "10",
                                   TLS_HOST=nginx.host, TLS_PORT=nginx.port)
        self.check_checks(run)


class StartTls(Example):
    def test_against_an_smtp_server(self):
        with tls_certs.made() as certs, tls_peers.smtp(certs, certs.rsa) as server:
            run = self.run_example("starttls.lua", "--vus", "5", "--iterations", "10",
                                   "--summary-trend-stats", "count",
                                   SMTP_HOST=server.host, SMTP_PORT=server.port, SMTP_CA=certs.ca)
            log = server.log()
        self.check_checks(run)
        self.assertEqual(run.count("smtp_mails"), 10)
        self.assertEqual(log.count("Subject: hello"), 10, log)
        self.assertEqual(run.metric("tcp_tls_handshaking")["count"], 10)


class EveryExample(unittest.TestCase):
    def test_has_a_test_here(self):
        tested = {"echo.lua", "basic.lua", "redis.lua", "http.lua", "tls.lua", "starttls.lua"}
        self.assertEqual({path.name for path in EXAMPLES.glob("*.lua")}, tested)


if __name__ == "__main__":
    unittest.main()
