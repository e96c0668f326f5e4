# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS with servers of other makes, and with such that go wrong: each outcome is told by its cause and
counted once, on both sides (tcp-socket.md section 5)."""

import contextlib
import os
import pathlib
import socket
import tempfile
import unittest

import harness
import tls_certs
import tls_faults
import tls_keylog
import tls_peers

VUS, ITERATIONS = 4, 12

# One connection an iteration; what came of it is counted by method and code. SAY is written, then the
# end is waited for. EXPECT must be in what came.
SCRIPT = """
local tcp = require("k6/x/tcp")
local metrics = require("k6/metrics")
local counters = {}
for _, name in ipairs{"connect_ETLS", "connect_ETIMEDOUT", "connect_OTHER", "read_ETLS", "read_ECONNRESET",
                      "read_OTHER", "write_OTHER", "write_ETLS", "write_ECONNRESET", "write_EPIPE",
                      "closed", "bytes", "wrong_state", "wrong_data"} do
  counters[name] = metrics.Counter(name)
end

local function count(e)
  local counter = counters[e.method .. "_" .. tostring(e.code)] or counters[e.method .. "_OTHER"]
  counter:add(1)
end

function default()
  local s = tcp.Socket.new()
  local got = {}
  s:on("error", count)
  s:on("close", function() counters.closed:add(1) end)
  s:on("data", function(d) got[#got + 1] = d end)
  if not pcall(s.connect, s, { host = __ENV.HOST, port = __ENV.PORT, tls = true }) then
    if s.ready_state ~= "disconnected" or s.remote_ip ~= nil then counters.wrong_state:add(1) end
    return
  end
  if s.ready_state ~= "open" then counters.wrong_state:add(1) end
  if __ENV.SAY then pcall(s.write, s, (__ENV.SAY:gsub("\\\\n", "\\r\\n"))) end
  if __ENV.UNTIL then
    while not table.concat(got):find(__ENV.UNTIL, 1, true) do s:wait("data") end
    s:destroy()
  end
  s:wait("close")
  got = table.concat(got)
  counters.bytes:add(#got)
  if s.bytes_read ~= #got then counters.wrong_data:add(1) end
  if __ENV.EXPECT and not got:find(__ENV.EXPECT, 1, true) then
    counters.wrong_data:add(1)
    print("came: " .. got)
  end
end
"""
GET = r"GET / HTTP/1.1\nHost: server.test\nConnection: close\n\n"


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.certs = stack.enter_context(tls_certs.made())

    def run_against(self, peer, options="", script=SCRIPT, iterations=ITERATIONS, flags=(),
                    keylog=None, own_load=False, **env):
        """A run that trusts the test's root and reaches server.test at the peer's address. Unless
        own_load says that the options have it, VUS users share the iterations."""
        hosts = f'hosts = {{ ["{tls_certs.NAME}"] = "{peer.host}", ' \
                f'["other.test"] = "{peer.host}" }}'
        system = {**self.certs.trust(), **({"SSLKEYLOGFILE": keylog} if keylog else {})}
        load = () if own_load else ("--vus", str(VUS), "--iterations", str(iterations))
        run = harness.run(f"{script}\noptions = {{ {hosts}, {options} }}\n", *load, *flags,
                          system_env=system,
                          env={"HOST": tls_certs.NAME, "PORT": peer.port, **env})
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("iterations"), iterations, run)
        return run

    def assert_counts(self, run, **expected):
        """These metrics have these counts, and no other outcome was counted."""
        names = ("connect_ETLS", "connect_ETIMEDOUT", "connect_OTHER", "read_ETLS",
                 "read_ECONNRESET", "read_OTHER", "write_OTHER", "write_ETLS", "wrong_state",
                 "wrong_data")
        counts = {name: run.count(name) for name in names if run.count(name)}
        self.assertEqual(counts, {name: n for name, n in expected.items() if n}, run)

    def assert_refused(self, run, *causes, count=ITERATIONS):
        """T-078: told by its cause; tcp_errors and the connecting sample; no socket, no close."""
        self.assert_counts(run, connect_ETLS=count)
        self.assertEqual(run.count("tcp_errors"), count, run)
        self.assertEqual(run.count("tcp_sockets"), 0, run)
        self.assertEqual(run.count("closed"), 0, run)
        self.assertTrue(any(f"TLS handshake failed: {cause}" in run.errors for cause in causes),
                        run)

    def assert_fine(self, run, count=ITERATIONS):
        """Connected, and closed without an error."""
        self.assert_counts(run)
        self.assertEqual(run.count("tcp_sockets"), count, run)
        self.assertEqual(run.count("closed"), count, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)


class RealServers(Case):
    """Versions, keys and client certificates."""

    def auth(self, identity):
        return f'tlsAuth = {{ {{ cert = open("{identity.cert}"), key = open("{identity.key}") }} }}'

    def test_versions_and_keys(self):
        """T-074: each server says which version was spoken."""
        for make in (tls_peers.nginx, tls_peers.haproxy):
            for identity in (self.certs.rsa, self.certs.ecdsa, self.certs.chained):
                with make(self.certs, identity) as peer:
                    for version in ("1.2", "1.3"):
                        with self.subTest(make=make, identity=identity.name, version=version):
                            run = self.run_against(peer, f'tlsVersion = "tls{version}"', SAY=GET,
                                                   EXPECT=f"TLSv{version} ")
                            self.assert_fine(run)

    def test_client_certificates(self):
        """T-076, at servers that demand one."""
        directives = "ssl_verify_client on; ssl_protocols TLSv1.2 TLSv1.3;"
        with tls_peers.nginx(self.certs, self.certs.rsa, directives) as nginx, \
                tls_peers.haproxy(self.certs, self.certs.ecdsa, "verify required") as haproxy:
            for peer in (nginx, haproxy):
                for identity in (self.certs.client_rsa, self.certs.client_ecdsa):
                    for version in ("1.2", "1.3"):
                        with self.subTest(identity=identity.name, version=version):
                            run = self.run_against(
                                peer, f'tlsVersion = "tls{version}", {self.auth(identity)}',
                                SAY=GET, EXPECT=f"ringload test {identity.name}")
                            self.assert_fine(run)

    def test_client_certificate_is_missing(self):
        """T-078 with 1.2; T-079 with 1.3: connected, then a read error and close."""
        with tls_peers.haproxy(self.certs, self.certs.rsa, "verify required") as peer:
            run = self.run_against(peer, 'tlsVersion = "tls1.2"')
            self.assert_refused(run, "remote error: tls: handshake failure")
            run = self.run_against(peer, 'tlsVersion = "tls1.3"')
        self.assert_counts(run, read_ETLS=ITERATIONS)
        self.assertEqual(run.count("tcp_sockets"), ITERATIONS, run)
        self.assertEqual(run.count("closed"), ITERATIONS, run)
        self.assertIn("remote error: tls: certificate required", run.errors)

    def test_client_certificate_of_a_stranger(self):
        with tls_peers.haproxy(self.certs, self.certs.rsa, "verify required") as peer:
            run = self.run_against(
                peer, f'tlsVersion = "tls1.2", {self.auth(self.certs.client_unknown)}')
        self.assert_refused(run, "remote error: tls: unknown certificate authority")

    def test_redis(self):
        for auth in ("no", "yes"):
            with tls_peers.redis(self.certs, self.certs.ecdsa, auth) as peer:
                run = self.run_against(peer, self.auth(self.certs.client_ecdsa), SAY=r"PING\n",
                                       UNTIL="+PONG")
            self.assert_fine(run)

    def test_openssl_of_each_version(self):
        """An echo of lines, reversed; -rev serves one connection at a time."""
        for identity in (self.certs.rsa, self.certs.ecdsa):
            for version in ("-tls1_2", "-tls1_3"):
                with self.subTest(identity=identity.name, version=version), \
                        tls_peers.s_server(self.certs, identity, "-rev", version) as peer:
                    run = self.run_against(peer, SAY=r"abc\n", UNTIL="cba")
                    self.assert_fine(run)

    def test_nothing_in_common(self):
        suites = 'tlsCipherSuites = { "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" }'
        with tls_peers.s_server(self.certs, self.certs.rsa, "-rev", "-tls1_2", "-cipher",
                                "ECDHE-RSA-AES128-GCM-SHA256") as peer:
            run = self.run_against(peer, suites)
            self.assert_refused(run, "remote error: tls: handshake failure")
            run = self.run_against(peer, 'tlsVersion = "tls1.3"')
            self.assert_refused(run, "remote error: tls: protocol version not supported")
        with tls_peers.s_server(self.certs, self.certs.rsa, "-rev", "-alpn", "h2") as peer:
            run = self.run_against(peer)
            self.assert_refused(run, "remote error: tls: no application protocol")

    def test_keys_are_changed(self):
        """KeyUpdate, one that asks for ours too: what is written after it goes through."""
        with tls_peers.s_server(self.certs, self.certs.rsa, "-tls1_3") as peer:
            with harness.start(
                    SCRIPT.replace("if __ENV.UNTIL", "s:wait('data') s:write('after\\n') "
                                                     "if __ENV.UNTIL"),
                    "--insecure-skip-tls-verify", "--vus", "1", "--iterations", "1",
                    env={"HOST": peer.host, "PORT": peer.port, "SAY": r"before\n",
                         "UNTIL": "the end"}) as running:
                harness.wait_until(lambda: "before" in peer.log(), "it came")
                peer.say("K")
                peer.say("go on")
                harness.wait_until(lambda: "after" in peer.log(), "it came")
                peer.say("the end")
                run = running.finish()
        self.assert_fine(run, 1)


    def test_renegotiation_is_declined(self):
        """T-077, where we differ: asked to renegotiate, we say no_renegotiation. OpenSSL's server, which
        insists, ends the connection with an alert: a read error, counted once, and close."""
        for command in ("r", "R"):  # R wants a certificate of ours, too
            with self.subTest(command=command), \
                    tls_peers.s_server(self.certs, self.certs.rsa, "-tls1_2") as peer:
                with harness.start(
                        SCRIPT, "--insecure-skip-tls-verify", "--vus", "1", "--iterations", "1",
                        env={"HOST": peer.host, "PORT": peer.port, "SAY": r"before\n"}) as running:
                    harness.wait_until(lambda: "before" in peer.log(), "it came")
                    peer.say(command)
                    run = running.finish()
                self.assertEqual(run.code, 0, run)
                self.assert_counts(run, read_ETLS=1)
                for name in ("tcp_sockets", "tcp_errors", "closed", "iterations"):
                    self.assertEqual(run.count(name), 1, run)
                self.assertIn("remote error: tls: handshake failure", run.errors)
                harness.wait_until(lambda: "no renegotiation" in peer.log(), "the server was told")


class Certificates(Case):
    """T-071, T-072: whom to trust, and for which name."""

    def against(self, identity, host=tls_certs.NAME, options=""):
        with tls_faults.server(self.certs, identity, "hello-and-close") as peer:
            return self.run_against(peer, options, HOST=host), peer.stop()

    def test_what_is_refused(self):
        name = "certificate is not valid for this host name"
        for identity, host, cause in (
                (self.certs.unknown, tls_certs.NAME, "certificate signed by unknown authority"),
                (self.certs.expired, tls_certs.NAME, "certificate has expired"),
                (self.certs.wrong_host, tls_certs.NAME, name),
                (self.certs.wrong_host, self.certs.host, name),
                (self.certs.dns_only, self.certs.host, name),
                (self.certs.rsa, "other.test", name)):
            with self.subTest(identity=identity.name, host=host):
                run, counts = self.against(identity, host)
                self.assert_refused(run, cause)
                self.assertEqual(counts["handshakes"], 0)
                self.assertEqual(counts["accepted"], ITERATIONS)
                # T-082: bytes of handshakes that failed count.
                self.assertGreater(run.count("data_sent"), 100 * ITERATIONS, run)
                self.assertGreater(run.count("data_received"), 500 * ITERATIONS, run)

    def test_what_is_trusted(self):
        for identity, host in ((self.certs.rsa, tls_certs.NAME), (self.certs.rsa, self.certs.host),
                               (self.certs.chained, tls_certs.NAME),
                               (self.certs.dns_only, tls_certs.NAME)):
            with self.subTest(identity=identity.name, host=host):
                run, counts = self.against(identity, host)
                self.assert_fine(run)
                self.assertEqual(counts["handshakes"], ITERATIONS)
                self.assertEqual(run.count("bytes"), ITERATIONS * len(tls_faults.HELLO), run)

    def test_verification_is_skipped(self):
        for identity in (self.certs.unknown, self.certs.expired, self.certs.wrong_host):
            run, _ = self.against(identity, options="insecureSkipTLSVerify = true")
            self.assert_fine(run)


class Roots(Case):
    def test_they_are_there_before_the_load(self):
        """T-072: a script that uses TLS has them from the start, whatever becomes of the file: reading a
        system's bundle would halt the loop for milliseconds, under load."""
        script = """
local tcp = require("k6/x/tcp")
function default()
  local go, s = tcp.Socket.new(), tcp.Socket.new()
  go:connect{ host = __ENV.GO_HOST, port = __ENV.GO_PORT }
  go:wait("data")
  s:connect{ host = __ENV.HOST, port = __ENV.PORT, tls = true }
  s:destroy()
  go:destroy()
end
"""
        roots = pathlib.Path(self.certs.folder, "roots.pem")
        roots.write_bytes(self.certs.ca.read_bytes())
        with tls_faults.server(self.certs, self.certs.rsa, "echo") as peer, \
                socket.create_server((tls_certs.loopback(), 0)) as listener:
            listener.settimeout(60 * harness.SLOWDOWN)
            host, port = listener.getsockname()
            with harness.start(script, "--vus", "1", "--iterations", "1",
                               system_env={"SSL_CERT_FILE": str(roots), "SSL_CERT_DIR": ""},
                               env={"HOST": peer.host, "PORT": peer.port, "GO_HOST": host,
                                    "GO_PORT": port}) as running:
                connection, _ = listener.accept()
                roots.unlink()
                with connection:
                    connection.sendall(b"go")
                    run = running.finish()
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertEqual(run.count("tcp_sockets"), 2, run)


class Faults(Case):
    """Each of tls_faults: no run stops, none hangs, each is told by its cause."""

    def against(self, manner, version="1.3", **env):
        with tls_faults.server(self.certs, self.certs.ecdsa, manner, version=version) as peer:
            return self.run_against(peer, **env), peer.stop()

    def test_handshakes_that_end_early(self):
        causes = {"fin": "the peer closed the connection in the middle of the handshake",
                  "rst": "connection reset by peer",
                  "alert": "remote error: tls: handshake failure"}
        for version in ("1.2", "1.3"):
            for step in tls_faults.STEPS:
                for end, cause in causes.items():
                    # With 1.3 a client is through when it has the server's flight; an alert in the
                    # clear is no alert any more once there are keys, or within a record.
                    if version == "1.3" and step == "flight":
                        continue
                    strict = end != "alert" or step == "hello"
                    with self.subTest(version=version, step=step, end=end):
                        run, counts = self.against(f"{end}-at-{step}", version)
                        self.assert_refused(run, cause if strict else "")
                        self.assertEqual(counts["handshakes"], 0)
                        self.assertEqual(counts["accepted"], ITERATIONS)

    def test_through_for_one_side_only(self):
        """TLS 1.3: connected, then FIN (the end of TCP between records, T-080) or RST."""
        run, _ = self.against("fin-at-flight")
        self.assert_fine(run)
        run, _ = self.against("rst-at-flight")
        self.assertEqual(run.count("read_ECONNRESET") + run.count("connect_ETLS"), ITERATIONS, run)

    def test_does_not_speak_tls(self):
        run, _ = self.against("garbage-hello")
        self.assert_refused(run, "the peer does not speak TLS")

    def test_clean_ends(self):
        """T-025, T-080: close, and no error. close_notify is the end, even without FIN."""
        for version in ("1.2", "1.3"):
            for manner in ("hello-and-close", "cut-between-records", "close-notify-only"):
                with self.subTest(manner=manner, version=version):
                    run, counts = self.against(manner, version)
                    self.assert_fine(run)
                    self.assertEqual(counts["handshakes"], ITERATIONS)
                    self.assertEqual(run.count("bytes"), ITERATIONS * len(tls_faults.HELLO), run)

    def test_broken_ends(self):
        """T-080, T-026: what came before is delivered, then a read error, then close."""
        for version in ("1.2", "1.3"):
            for manner, cause in (("cut-in-a-record", "unexpected EOF inside a TLS record"),
                                  ("cut-in-a-header", "unexpected EOF inside a TLS record"),
                                  ("corrupt-record", "bad TLS record"),
                                  ("garbage-after", "bad TLS record"),
                                  ("alert-after", "")):
                with self.subTest(manner=manner, version=version):
                    run, _ = self.against(manner, version)
                    self.assert_counts(run, read_ETLS=ITERATIONS)
                    self.assertEqual(run.count("tcp_errors"), ITERATIONS, run)
                    self.assertEqual(run.count("closed"), ITERATIONS, run)
                    self.assertEqual(run.count("bytes"), ITERATIONS * len(tls_faults.HELLO), run)
                    self.assertIn(cause, run.errors)

    def test_reset_after_data(self):
        run, _ = self.against("reset-after-a-record", SAY="x")
        self.assert_counts(run, read_ECONNRESET=ITERATIONS)
        self.assertEqual(run.count("bytes"), ITERATIONS * len(tls_faults.HELLO), run)

    def test_one_byte_a_segment(self):
        for version in ("1.2", "1.3"):
            run, counts = self.against("one-byte", version, SAY="0123456789", UNTIL="0123456789")
            self.assert_fine(run)
            self.assertEqual(counts["bytes_in"], 10 * ITERATIONS)

    def test_many_records_in_one_read(self):
        run, counts = self.against("many-records")
        self.assert_fine(run)
        self.assertEqual(run.count("bytes"), counts["bytes_out"], run)

    def test_never_answers(self):
        """The run ends in its own time; no sample, no error (T-186)."""
        with tls_faults.server(self.certs, self.certs.rsa, "never-answers") as peer:
            run = harness.run(SCRIPT + "options = { scenarios = { s = { executor = 'constant-vus', "
                                       "vus = 5, duration = '1s', gracefulStop = '0s' } } }",
                              "--insecure-skip-tls-verify",
                              env={"PORT": peer.port, "HOST": peer.host})
            self.assertEqual(peer.counts["accepted"], 5)
        self.assertEqual(run.code, 0, run)
        self.assertLess(run.seconds, 6 * harness.SLOWDOWN)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertEqual(run.count("tcp_sockets"), 0, run)


# Sends and receives SIZE bytes that do not repeat within a record, and compares.
TRANSFER = """
local tcp = require("k6/x/tcp")
local metrics = require("k6/metrics")
local same = metrics.Counter("same")
local pieces = {}
for i = 1, 1 << 15 do pieces[i] = string.pack(">I4", (i * 2654435761) & 0xffffffff) end
local block = table.concat(pieces)

function default()
  local s = tcp.Socket.new()
  local rounds, got, size = tonumber(__ENV.ROUNDS), {}, 0
  s:on("data", function(d)
    got[#got + 1] = d
    size = size + #d
    if size == rounds * #block then s:destroy() end
  end)
  s:connect{ host = __ENV.HOST, port = __ENV.PORT, tls = true }
  for _ = 1, rounds do s:write(block) end
  s:wait("close")
  if table.concat(got) == block:rep(rounds) and s.bytes_written == rounds * #block then same:add(1) end
end
"""


class Transfers(Case):
    def test_echo_of_megabytes(self):
        """128 KiB a write, many at once, both ways."""
        for version in ("1.2", "1.3"):
            with tls_faults.server(self.certs, self.certs.rsa, "echo", version=version) as peer:
                run = self.run_against(peer, script=TRANSFER, iterations=4, ROUNDS=16)
                counts = peer.stop()
            self.assertEqual(run.count("same"), 4, run)
            self.assertEqual(counts["bytes_in"], 4 * 16 << 17)
            self.assertEqual(run.count("tcp_errors"), 0, run)

    def test_download(self):
        with tls_peers.nginx(self.certs, self.certs.ecdsa) as peer:
            run = self.run_against(peer, iterations=4, SAY=GET.replace("/ ", "/big "),
                                   EXPECT="200 OK")
        self.assert_fine(run, 4)
        self.assertGreater(run.count("bytes"), 4 * tls_peers.BIG, run)
        # Records cost 22 bytes each of at most 16 KiB; handshakes a few kilobytes.
        overhead = run.count("data_received") - run.count("bytes")
        self.assertGreater(overhead, 4 * (tls_peers.BIG >> 14) * 22, run)
        self.assertLess(overhead, run.count("bytes") // 50, run)


# Two connections of a VU to the same server; the second may take up the session of the first.
TWICE = """
local tcp = require("k6/x/tcp")
local metrics = require("k6/metrics")
local counters = {}
for _, name in ipairs{"full", "resumed", "wrong_property"} do counters[name] = metrics.Counter(name) end

local function get()
  local s = tcp.Socket.new()
  local got = ""
  s:on("data", function(d) got = got .. d end)
  s:connect{ host = __ENV.HOST, port = __ENV.PORT, tls = true, tls_resume = __ENV.RESUME == "yes" }
  local resumed = s.tls_resumed
  s:write("GET / HTTP/1.1\\r\\nHost: server.test\\r\\nConnection: close\\r\\n\\r\\n")
  s:wait("close")
  local said = got:match(__ENV.WORD_RESUMED) ~= nil
  counters[said and "resumed" or "full"]:add(1)
  if said ~= resumed then counters.wrong_property:add(1) end
end

function default()
  get()
  get()
end
"""


class Resumption(Case):
    """T-077: full handshakes; beyond k6, tls_resume = true takes up sessions, as the server says."""

    def check(self, peer, word, version):
        options = f'tlsVersion = "tls{version}", scenarios = {{ s = {{ ' \
                  f'executor = "per-vu-iterations", vus = 1, iterations = 3 }} }}'
        for resume, expected in (("no", 0), ("yes", 5)):
            with self.subTest(version=version, resume=resume):
                run = self.run_against(peer, options, script=TWICE, iterations=3, flags=(),
                                       own_load=True, RESUME=resume, WORD_RESUMED=word)
                self.assertEqual(run.count("tcp_errors"), 0, run)
                self.assertEqual(run.count("resumed"), expected, run)
                self.assertEqual(run.count("full"), 6 - expected, run)
                self.assertEqual(run.count("wrong_property"), 0, run)

    def test_nginx(self):
        directives = "ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:a:1m;"
        with tls_peers.nginx(self.certs, self.certs.ecdsa, directives) as peer:
            for version in ("1.2", "1.3"):
                self.check(peer, " resumed client=", version)

    def test_declined(self):
        """A server that does not know the ticket, as behind a balancer or after a restart: in full."""
        script = """
local tcp = require("k6/x/tcp")
function default()
  local s = tcp.Socket.new()
  s:on("data", function() s:destroy() end)
  s:connect{ host = __ENV.HOST, port = __ENV.PORT, tls = true, tls_resume = true }
  s:write("x")
  s:wait("close")
end
"""
        for version in ("1.2", "1.3"):
            with self.subTest(version=version), \
                    tls_faults.server(self.certs, self.certs.rsa, "echo", version=version,
                                      forgets=True) as peer:
                run = self.run_against(peer, "", script=script, iterations=VUS * 3)
                self.assertEqual(run.count("tcp_errors"), 0, run)
                share = run.metric("tcp_tls_resumed")
                self.assertEqual((share["passes"], share["fails"]), (0, VUS * 3), run)

    def test_openssl(self):
        with tls_peers.s_server(self.certs, self.certs.ecdsa, "-www") as peer:
            for version in ("1.2", "1.3"):
                self.check(peer, "Reused, TLSv", version)


class KeyLog(Case):
    """T-083."""

    def logged(self, version):
        """The log of a run of one connection, the server's own log of it, and a recording."""
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = (pathlib.Path(folder, name) for name in ("ours", "theirs"))
            with tls_peers.s_server(self.certs, self.certs.rsa, "-rev", "-keylogfile", theirs,
                                    "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-cipher",
                                    "ECDHE-RSA-AES128-GCM-SHA256") as peer:
                with tls_keylog.Recorder(peer.host, peer.port) as wire:
                    run = self.run_against(wire, f'tlsVersion = "tls{version}"', iterations=1,
                                           flags=("--vus", "1"), keylog=str(ours),
                                           SAY=r"a secret\n", UNTIL="terces a")
            self.assert_fine(run, 1)
            self.assertIn("level=warn", run.errors)
            self.assertIn("SSLKEYLOGFILE", run.errors)
            self.assertEqual(os.stat(ours).st_mode & 0o077, 0)
            return ours.read_text(), theirs.read_text(), wire

    def test_same_as_the_servers(self):
        for version in ("1.2", "1.3"):
            with self.subTest(version=version):
                ours, theirs, wire = self.logged(version)
                ours_parsed, theirs_parsed = tls_keylog.parse(ours), tls_keylog.parse(theirs)
                self.assertEqual(list(ours_parsed), [wire.client[11:43].hex()])
                for random, secrets in ours_parsed.items():
                    wanted = dict(theirs_parsed[random])
                    wanted.pop("EXPORTER_SECRET", None)  # nothing that decrypts
                    secrets.pop("EXPORTER_SECRET", None)
                    self.assertEqual(secrets, wanted)

    def test_decrypts_a_recording(self):
        for version in ("1.2", "1.3"):
            with self.subTest(version=version):
                ours, _, wire = self.logged(version)
                client, server = tls_keylog.decrypt(ours, wire.client, wire.server)
                self.assertEqual(client, b"a secret\r\n")
                self.assertIn(b"terces a", server)


if __name__ == "__main__":
    unittest.main()
