# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers of the TLS tests do what their names say: seen by Python's own client."""

import contextlib
import socket
import ssl
import subprocess
import tempfile
import unittest

import harness
import tls_certs
import tls_faults
import tls_keylog
import tls_peers

TIMEOUT_S = 10 * harness.SLOWDOWN


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.certs = stack.enter_context(tls_certs.made())

    def client(self, identity=None, version=None):
        context = ssl.create_default_context(cafile=str(self.certs.ca))
        if identity is not None:
            context.load_cert_chain(identity.cert, identity.key)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context

    @contextlib.contextmanager
    def connected(self, peer, name=tls_certs.NAME, session=None, **options):
        context = options.get("context") or self.client(**options)
        with socket.create_connection((peer.host, peer.port), timeout=TIMEOUT_S) as plain:
            with context.wrap_socket(plain, server_hostname=name, session=session,
                                     suppress_ragged_eofs=False) as tls:
                yield tls

    @staticmethod
    def to_end(tls):
        """All until the end, and what the end was."""
        data = b""
        try:
            while piece := tls.recv(1 << 16):
                data += piece
            return data, "close_notify"
        except OSError as error:
            return data, error


class RealServers(Case):
    VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)

    def get(self, peer, **options):
        with self.connected(peer, **options) as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            body = b""
            with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
                while piece := tls.recv(1 << 16):
                    body += piece
            return body.decode().split("\r\n\r\n", 1)[1], tls.session

    def test_nginx_and_haproxy(self):
        for make in (tls_peers.nginx, tls_peers.haproxy):
            with make(self.certs, self.certs.rsa) as peer:
                for version in self.VERSIONS:
                    with self.subTest(make=make, version=version):
                        text, _ = self.get(peer, version=version)
                        self.assertIn(version.name.replace("_", "."), text)
                        self.assertIn(" full client=", text)

    def test_resumption_at_nginx(self):
        with tls_peers.nginx(self.certs, self.certs.ecdsa) as peer:
            context = self.client()
            _, session = self.get(peer, context=context)
            text, _ = self.get(peer, context=context, session=session)
        self.assertIn(" resumed client=", text)

    def test_client_certificate_wanted(self):
        with tls_peers.haproxy(self.certs, self.certs.rsa, "verify required") as peer:
            text, _ = self.get(peer, identity=self.certs.client_rsa)
            self.assertIn("ringload test client_rsa", text)
            with self.assertRaises(ssl.SSLError):
                self.get(peer)

    def test_s_server(self):
        with tls_peers.s_server(self.certs, self.certs.chained, "-rev") as peer:
            with self.connected(peer) as tls:
                tls.sendall(b"abc\n")
                self.assertEqual(tls.recv(100), b"cba\n")

    def test_s_server_is_told_what_to_do(self):
        with tls_peers.s_server(self.certs, self.certs.rsa) as peer:
            with self.connected(peer) as tls:
                tls.sendall(b"said by the client\n")
                harness.wait_until(lambda: "said by the client" in peer.log(), "it came")
                peer.say("K")
                peer.say("said by the server")
                self.assertEqual(tls.recv(100), b"said by the server\n")

    def test_redis(self):
        with tls_peers.redis(self.certs, self.certs.ecdsa) as peer:
            with self.connected(peer) as tls:
                tls.sendall(b"PING\r\n")
                self.assertEqual(tls.recv(100), b"+PONG\r\n")


class Certificates(Case):
    def refused(self, identity, name=tls_certs.NAME):
        with tls_faults.server(self.certs, identity, "echo") as peer:
            with self.assertRaises(ssl.SSLCertVerificationError) as caught:
                with self.connected(peer, name=name):
                    pass
        return caught.exception.verify_message

    def test_what_is_wrong_with_each(self):
        self.assertIn("expired", self.refused(self.certs.expired))
        self.assertIn("Hostname mismatch", self.refused(self.certs.wrong_host))
        self.assertIn("unable to get local issuer", self.refused(self.certs.unknown))
        self.assertIn("IP address mismatch", self.refused(self.certs.dns_only, self.certs.host))

    def test_address(self):
        with tls_faults.server(self.certs, self.certs.rsa, "echo") as peer:
            with self.connected(peer, name=self.certs.host) as tls:
                tls.sendall(b"x")
                self.assertEqual(tls.recv(10), b"x")

    def test_encrypted_keys(self):
        for identity in (self.certs.rsa, self.certs.ecdsa):
            for form, mark in (("legacy", "DEK-Info"), ("pkcs8", "ENCRYPTED PRIVATE KEY")):
                pem = self.certs.encrypted(identity, form)
                self.assertIn(mark, pem)
                plain = subprocess.run(
                    [harness.program("openssl"), "pkey", "-passin", f"pass:{tls_certs.PASSWORD}"],
                    input=pem, text=True, capture_output=True, check=True).stdout
                self.assertEqual(plain, tls_certs.openssl("pkey", "-in", identity.key))


class Faults(Case):
    def run_client(self, manner, say=None, **options):
        """What came, how it ended, and the peer's counts."""
        with tls_faults.server(self.certs, self.certs.ecdsa, manner, **options) as peer:
            try:
                with self.connected(peer) as tls:
                    if say is not None:
                        tls.sendall(say)
                    data, end = self.to_end(tls)
            except OSError as error:
                data, end = None, error
            return data, end, peer.stop()

    def test_handshakes_that_end_early(self):
        for step in tls_faults.STEPS:
            for end, expected in (("fin", ssl.SSLEOFError), ("rst", ConnectionResetError),
                                  ("alert", ssl.SSLError)):
                with self.subTest(step=step, end=end):
                    # OpenSSL's client is through with 1.3 when it has the server's flight.
                    data, error, counts = self.run_client(f"{end}-at-{step}", version="1.2")
                    self.assertIsNone(data)
                    self.assertIsInstance(error, expected)
                    self.assertEqual(counts["handshakes"], 0)
                    if end == "alert" and step == "hello":
                        self.assertIn("HANDSHAKE_FAILURE", error.reason)

    def test_garbage_instead_of_a_hello(self):
        _, error, _ = self.run_client("garbage-hello")
        self.assertEqual(error.reason, "WRONG_VERSION_NUMBER")

    def test_ends_after_the_handshake(self):
        for manner, clean in (("hello-and-close", True), ("cut-between-records", False),
                              ("cut-in-a-record", False), ("cut-in-a-header", False),
                              ("garbage-after", False), ("corrupt-record", False),
                              ("alert-after", False)):
            with self.subTest(manner=manner):
                data, end, counts = self.run_client(manner)
                self.assertEqual(data, tls_faults.HELLO)
                self.assertEqual(counts["handshakes"], 1)
                if clean:
                    self.assertEqual(end, "close_notify")
                else:
                    self.assertIsInstance(end, ssl.SSLError)

    def test_reset_after_a_record(self):
        with tls_faults.server(self.certs, self.certs.ecdsa, "reset-after-a-record") as peer:
            with self.connected(peer) as tls:
                self.assertEqual(tls.recv(100), tls_faults.HELLO)
                tls.sendall(b"x")
                # Python's own socket may take a reset for an end.
                with socket.socket(fileno=tls.detach()) as plain:
                    plain.settimeout(TIMEOUT_S)
                    with self.assertRaises(ConnectionResetError):
                        plain.recv(1)

    def test_one_byte_a_segment(self):
        with tls_faults.server(self.certs, self.certs.rsa, "one-byte") as peer:
            with self.connected(peer) as tls:
                tls.sendall(b"y" * 300)
                got = b""
                while len(got) < 300:
                    got += tls.recv(300)
        self.assertEqual(got, b"y" * 300)

    def test_many_records(self):
        data, end, counts = self.run_client("many-records")
        self.assertEqual(len(data), counts["bytes_out"])
        self.assertEqual(end, "close_notify")

    def test_never_answers(self):
        with tls_faults.server(self.certs, self.certs.ecdsa, "never-answers") as peer:
            with socket.create_connection((peer.host, peer.port), timeout=1) as plain:
                with self.assertRaises(TimeoutError):
                    self.client().wrap_socket(plain, server_hostname=tls_certs.NAME)
            self.assertEqual(peer.counts["handshakes"], 0)

    def test_late_refusal_of_a_client_without_certificate(self):
        """TLS 1.3: the client is through before the server has seen that there is none."""
        data, end, counts = self.run_client("echo", version="1.3", client="required")
        self.assertEqual(data, b"")
        self.assertIn("CERTIFICATE_REQUIRED", end.reason)
        self.assertEqual((counts["handshakes"], counts["refused"]), (0, 1))


class KeyLog(Case):
    def test_a_recording_is_decrypted(self):
        """With the log of Python's client, which is beyond doubt."""
        for version, name in (("1.2", ssl.TLSVersion.TLSv1_2), ("1.3", ssl.TLSVersion.TLSv1_3)):
            with self.subTest(version=version), tempfile.NamedTemporaryFile("r") as log:
                context = self.client(version=name)
                context.keylog_filename = log.name
                with tls_peers.s_server(self.certs, self.certs.rsa, "-rev", "-ciphersuites",
                                        "TLS_AES_128_GCM_SHA256", "-cipher",
                                        "ECDHE-RSA-AES128-GCM-SHA256") as peer:
                    with tls_keylog.Recorder(peer.host, peer.port) as wire:
                        with self.connected(wire, context=context) as tls:
                            tls.sendall(b"a secret\n")
                            self.assertEqual(tls.recv(100), b"terces a\n")
                    said = tls_keylog.decrypt(log.read(), wire.client, wire.server)
                self.assertEqual(said, (b"a secret\n", b"terces a\n"))


if __name__ == "__main__":
    unittest.main()
