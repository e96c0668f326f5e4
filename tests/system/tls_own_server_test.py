# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS at both ends: a run against its own server with --serve-tls, in each mode that talks."""

import unittest

import harness

# The certificate comes from the run itself: nothing of the machine is trusted.
CONNECT = """
local tcp = require("k6/x/tcp")
local function connect(s, more)
  local options = { host = "127.0.0.1", port = __ENV.SERVE_PORT, tls = true, ca = __ENV.SERVE_CERT }
  for key, value in pairs(more or {}) do options[key] = value end
  s:connect(options)
end
"""
ECHO = CONNECT + """
local got = require("k6/metrics").Counter("got")
local wrong = require("k6/metrics").Counter("wrong")
local text = ("0123456789abcdef"):rep(4096)
function default()
  local s = tcp.Socket.new()
  local heard = {}
  s:on("data", function(d)
    got:add(#d)
    heard[#heard + 1] = d
    if s.bytes_read == #text then s:destroy() end
  end)
  connect(s, OPTIONS)
  s:write(text)
  s:wait("close")
  if table.concat(heard) ~= text then wrong:add(1) end
end
"""
UNTIL_CLOSE = CONNECT + """
local bytes = require("k6/metrics").Counter("bytes")
function default()
  local s = tcp.Socket.new()
  s:on("close", function() bytes:add(s.bytes_read) end)
  s:on("data", function() if s.bytes_read >= 100000 then s:destroy() end end)
  connect(s)
  if __ENV.SAY then pcall(s.write, s, __ENV.SAY) end
  s:wait("close")
end
"""
LOAD = ("--vus", "4", "--iterations", "12")


def run(mode, script, options="{}", **env):
    return harness.run(f"local OPTIONS = {options}\n{script}", "--serve", mode, "--serve-tls", *LOAD,
                       env=env)


class OwnServer(unittest.TestCase):
    def test_echo(self):
        """T-082: bytes_read is of plaintext, data_received of what was on the wire."""
        for version in ("tls1.2", "tls1.3"):
            with self.subTest(version=version):
                result = run("echo", f'{ECHO}\noptions = {{ tlsVersion = "{version}" }}')
                self.assertEqual(result.code, 0, result)
                self.assertEqual(result.count("got"), 12 * 65536, result)
                self.assertEqual(result.count("wrong"), 0, result)
                self.assertEqual(result.count("tcp_errors"), 0, result)
                self.assertEqual(result.count("tcp_sockets"), 12, result)
                self.assertGreater(result.metric("tcp_tls_handshaking")["min"], 0, result)
                for name in ("data_sent", "data_received"):
                    self.assertGreater(result.count(name), 12 * (65536 + 300), result)
                    self.assertLess(result.count(name), 12 * (65536 + 6000), result)

    def test_sessions_are_resumed(self):
        """Each of the four users has a first handshake in full, and resumes from then on."""
        script = ECHO + """
options = { scenarios = { all = { executor = "per-vu-iterations", vus = 4, iterations = 5 } } }
"""
        result = harness.run(f"local OPTIONS = {{ tls_resume = true }}\n{script}", "--serve", "echo",
                             "--serve-tls")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.count("tcp_errors"), 0, result)
        share = result.metric("tcp_tls_resumed")
        self.assertEqual((share["passes"], share["fails"]), (16, 4), result)

    def test_sessions_are_resumed_by_any_worker(self):
        """The workers of a server read each other's tickets: wherever a connection lands, it resumes."""
        vus, iterations = 4, 10
        for version in ("tls1.2", "tls1.3"):
            script = ECHO.replace("ca = __ENV.SERVE_CERT", "tls_resume = true") + f"""
options = {{ tlsVersion = "{version}", insecureSkipTLSVerify = true, scenarios = {{ all = {{
  executor = "per-vu-iterations", vus = {vus}, iterations = {iterations} }} }} }}
"""
            with self.subTest(version=version), \
                    harness.serve("echo", workers=4, extra=("--tls",)) as server:
                result = harness.run(f"local OPTIONS = {{}}\n{script}",
                                     env={"SERVE_PORT": server.port})
                self.assertEqual(result.code, 0, result)
                self.assertEqual(result.count("tcp_errors"), 0, result)
                share = result.metric("tcp_tls_resumed")
                self.assertEqual((share["passes"], share["fails"]),
                                 (vus * (iterations - 1), vus), result)

    def test_the_server_s_other_manners(self):
        for mode, said, expected in (("fin", None, 0), ("burst", None, None), ("source", None, None),
                                     ("fin-after-reply", "hello", 12 * 5)):
            with self.subTest(mode=mode):
                if mode == "burst":
                    script = UNTIL_CLOSE.replace("100000", "10000")
                else:
                    script = UNTIL_CLOSE
                result = run(mode, script, **({"SAY": said} if said else {}))
                self.assertEqual(result.code, 0, result)
                self.assertEqual(result.count("tcp_sockets"), 12, result)
                self.assertEqual(result.count("tcp_errors"), 0, result)
                if expected is not None:
                    self.assertEqual(result.count("bytes"), expected, result)
                elif mode == "burst":
                    self.assertEqual(result.count("bytes"), 12 * 10000, result)
                else:
                    self.assertGreaterEqual(result.count("bytes"), 12 * 100000, result)

    def test_without_trust_it_is_refused(self):
        result = run("echo", ECHO.replace("ca = __ENV.SERVE_CERT", "ca = nil"))
        self.assertEqual(result.count("tcp_sockets"), 0, result)
        self.assertEqual(result.count("tcp_errors"), 12, result)
        self.assertIn("TLS handshake failed", result.errors)


if __name__ == "__main__":
    unittest.main()
