# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS options from each tier, what is wrong with them, the key log, and the tag tls_version.

What the options do to connections: tests/lua/tcp/tls.lua.
"""

import contextlib
import json
import pathlib
import re
import tempfile
import unittest

import harness
import tls_certs
import tls_faults
import tls_report

ONCE = "function default() end"
CONNECT = """
    local tcp = require("k6/x/tcp")
    options = { scenarios = { s = { executor = "per-vu-iterations", vus = 3 } } }
    function default()
      local s <close> = tcp.Socket.new()
      s:connect{ host = __ENV.HOST, port = __ENV.PORT, tls = true }
      local _, line = s:wait("data", 5000)
      print(line)
    end
"""


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.certs = stack.enter_context(tls_certs.made())
        cls.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))

    def peer(self, identity=None, **how):
        context = tls_faults.context_of(self.certs, identity or self.certs.ecdsa, **how)
        return tls_report.server(self.certs.host, context)

    def connect(self, peer, *flags, system_env=None):
        run = harness.run(CONNECT, "--log-format", "raw", *flags,
                          env={"HOST": peer.host, "PORT": peer.port},
                          system_env={**self.certs.trust(), **(system_env or {})})
        self.assertEqual(run.code, 0, run)
        seen = [json.loads(line) for line in run.errors.splitlines() if line.startswith("{")]
        self.assertEqual(len(seen), 3, run)
        return run, seen

    def refused(self, *parts, flags=(), **options):
        run = harness.run(ONCE, *flags, **options)
        self.assertEqual(run.code, 104, run)
        for part in parts:
            self.assertIn(part, run.errors)
        return run


class Tiers(Case):
    def config(self, **options):
        path = self.folder / "config.json"
        path.write_text(json.dumps(options), encoding="utf-8")
        return ("--config", str(path))

    def auth(self, identity):
        return {"cert": identity.cert_pem(), "key": identity.key_pem()}

    def test_the_config_file(self):
        """T-074, T-076"""
        with self.peer(client="required") as peer:
            flags = self.config(tlsVersion={"max": "tls1.2"},
                                tlsAuth=[self.auth(self.certs.client_rsa)])
            _, seen = self.connect(peer, *flags)
        for each in seen:
            self.assertEqual(each["version"], "TLSv1.2")
            self.assertEqual(each["client"], "ringload test client_rsa")

    def test_the_environment_over_it(self):
        """K6_TLSAUTH is JSON, as in the config file."""
        variables = {"K6_TLSAUTH": json.dumps([self.auth(self.certs.client_ecdsa)]),
                     "RINGLOAD_TLS_VERSION": "tls1.3"}
        with self.peer(client="required") as peer:
            flags = self.config(tlsVersion="tls1.2", tlsAuth=[self.auth(self.certs.client_rsa)])
            _, seen = self.connect(peer, *flags, system_env=variables)
        for each in seen:
            self.assertEqual(each["version"], "TLSv1.3")
            self.assertEqual(each["client"], "ringload test client_ecdsa")

    def test_flags_over_all(self):
        with self.peer(self.certs.unknown) as peer:
            _, seen = self.connect(peer, "--tls-version", "tls1.2", "--tls-cipher-suites",
                                   "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                   "--insecure-skip-tls-verify",
                                   system_env={"K6_TLS_VERSION": "tls1.3",
                                               "K6_INSECURE_SKIP_TLS_VERIFY": "false"})
        self.assertEqual({each["cipher"] for each in seen}, {"ECDHE-ECDSA-AES256-GCM-SHA384"})

    def test_what_is_wrong_is_told_with_its_place(self):
        self.refused("the config file.tlsVersion", "did you mean", flags=self.config(
            tlsVersion="tls1.4", tlsCipherSuites=["TLS_AES_128_GCM_SHA265"]))
        self.refused("K6_TLSAUTH: must be JSON", system_env={"K6_TLSAUTH": "client.pem"})
        run = harness.run(ONCE, "--tls-version", "tls1.1")  # as with all flags
        self.assertEqual(run.code, 255, run)
        self.assertIn("--tls-version: tls1.1 is not in this wolfSSL", run.errors)

    def test_all_problems_together(self):
        """E-104; T-076: the entry is named."""
        good, other = self.auth(self.certs.client_rsa), self.auth(self.certs.client_ecdsa)
        run = self.refused("tlsAuth[2]", "tlsAuth[3]", "vus", flags=self.config(
            vus=-1, tlsAuth=[good, {**good, "key": other["key"]}, {**other, "cert": good["cert"]}]))
        self.assertEqual(len(re.findall(r"tlsAuth\[1\]", run.errors)), 0, run)


class KeyLog(Case):
    def test_t083_keys_are_written_and_a_warning_says_so(self):
        path = self.folder / "keys"
        with self.peer() as peer:
            run, _ = self.connect(peer, system_env={"SSLKEYLOGFILE": str(path)})
        self.assertIn("SSLKEYLOGFILE is set", run.errors)
        lines = path.read_text(encoding="ascii").splitlines()
        traffic = [line for line in lines
                   if re.fullmatch(r"CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{64,96}", line)]
        self.assertEqual(len(traffic), 3, lines)
        self.assertEqual(len({line.split()[1] for line in traffic}), 3)

    def test_t083_a_place_that_cannot_be_written(self):
        self.refused("SSLKEYLOGFILE", system_env={"SSLKEYLOGFILE": str(self.folder / "no" / "x")})


class Metrics(Case):
    def test_of_a_run_with_tls(self):
        with self.peer() as peer:
            run, _ = self.connect(peer, "--summary-trend-stats", "count,avg")
        self.assertEqual(run.metric("tcp_tls_handshaking")["count"], 3)
        self.assertEqual(run.metric("tcp_socket_connecting")["count"], 3)
        self.assertIn("tcp_tls_handshaking", run.out)
        self.assertNotIn("tcp_tls_resumed", run.out)  # nobody asked for it


if __name__ == "__main__":
    unittest.main()
