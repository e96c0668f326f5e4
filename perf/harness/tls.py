# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows with TLS: their certificates, the contenders that only they have, and their targets."""

import os
import statistics
import subprocess
import tempfile

from . import report, row
from .contender import Contender, Load
from .process import Failed, Process

KINDS = ("handshake", "rsa", "echo", "16k", "idle")
NAMES = ("tls-handshake-64", "tls-rsa-64", "tls-echo-64", "tls-echo-1000", "tls-16k-64",
         "tls-idle-1000", "tls-idle-10000")
ADDRESSES = 4  # of the handshake rows; the certificates are for 127.0.0.1 and so on

HANDSHAKE_TARGET, OPENSSL_TARGET = 1.15, 0.5
ECHO_TARGET, BULK_TARGET, BYTES_TARGET = 1.2, 0.9, 8192

_EXTENSIONS = """
[ca]
basicConstraints = critical, CA:true
[leaf]
subjectAltName = {names}
[req]
distinguished_name = nobody
[nobody]
"""


class Certificates:
    """A root and a server's certificate that it signed, both with keys of one kind: "ecdsa" (P-256)
    or "rsa" (2048 bits)."""

    def __init__(self, kind):
        self.folder = tempfile.TemporaryDirectory()
        names = ",".join(f"IP:127.0.0.{i + 1}" for i in range(ADDRESSES))
        with open(self._path("extensions"), "w", encoding="ascii") as file:
            file.write(_EXTENSIONS.format(names=names))
        self.ca, ca_key = self._path("ca.pem"), self._key("ca.key", kind)
        self.cert, self.key = self._path("server.pem"), self._key("server.key", kind)
        config = ("-config", self._path("extensions"))
        self._openssl("req", "-x509", "-new", "-key", ca_key, "-out", self.ca, "-days", "2",
                      "-subj", "/CN=perf root", *config, "-extensions", "ca")
        self._openssl("req", "-new", "-key", self.key, "-out", self._path("csr"),
                      "-subj", "/CN=perf", *config)
        self._openssl("x509", "-req", "-in", self._path("csr"), "-CA", self.ca, "-CAkey", ca_key,
                      "-CAcreateserial", "-out", self.cert, "-days", "2",
                      "-extfile", self._path("extensions"), "-extensions", "leaf")

    def _path(self, name):
        return os.path.join(self.folder.name, name)

    def _key(self, name, kind):
        option = {"ecdsa": ("EC", "ec_paramgen_curve:P-256"), "rsa": ("RSA", "rsa_keygen_bits:2048")}
        self._openssl("genpkey", "-algorithm", option[kind][0], "-pkeyopt", option[kind][1],
                      "-out", self._path(name))
        return self._path(name)

    @staticmethod
    def _openssl(*arguments):
        try:
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        except FileNotFoundError:
            raise SystemExit("perf/run: openssl is not installed (package openssl)") from None


class Foreign(Contender):
    """A program that knows nothing of our counts: the server's are what there is to go by. It runs
    until it is told to end."""

    stoppable = False

    def does(self, load):
        return load.mode == "handshake"

    def finish(self):
        self.process.child.kill()
        self.process.child.wait()

    def check(self, _load, server):
        if server["handshakes"] == 0:
            raise Failed("no handshake")


class STime(Foreign):
    """openssl s_time -new: one connection at a time, certificates not verified."""

    resets = True

    def start(self, load, port, core, window_s):
        self.process = Process(
            [self.program, "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-tls1_3",
             "-time", str(int(window_s) + 60)], core)
        return [self.process]


class H2load(Foreign):
    """h2load -r: so many new connections a second, each with one request and a short answer;
    certificates not verified."""

    RATE, REPLY = 500, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    server_arguments = ("--reply", REPLY)

    def start(self, load, port, core, window_s):
        connections = str(int((window_s + 10) * self.RATE))
        self.process = Process(
            [self.program, "--h1", "-n", connections, "-c", connections, "-r", str(self.RATE),
             f"https://127.0.0.1:{port}/"], core)
        return [self.process]


_made = {}


def certificates(kind):
    if kind not in _made:
        _made[kind] = Certificates(kind)
    return _made[kind]


def _verdict(text, met):
    return f"{text}: {'met' if met else '**missed**'}"


def _most(limit):
    return lambda _value, ratio: None if ratio is None else _verdict(f"≤ {limit}", ratio <= limit)


def _handshake_row(name, title, count, kind):
    """Two targets: against the bare client, and against OpenSSL's."""
    load = Load("handshake", count, addresses=ADDRESSES, tls=certificates(kind))
    the_row = report.Row(name, title, "us")

    def target(_value, ratio):
        texts = []
        if ratio is not None:
            texts.append(_verdict(f"≤ {HANDSHAKE_TARGET}", ratio <= HANDSHAKE_TARGET))
        against = the_row.ratios("ringload", "openssl")
        if against:
            median = statistics.median(against)
            texts.append(_verdict(f"{median:.2f} x openssl ≤ {OPENSSL_TARGET}",
                                  median <= OPENSSL_TARGET))
        return "; ".join(texts)

    the_row.target = target
    return the_row, load


def make_row(name):
    """The row, its load, and the function that measures one contender once."""
    kind, _, count = name[len("tls-"):].partition("-")
    if kind not in KINDS or not count.isdigit():
        return None
    count = int(count)
    if kind == "idle":
        tls = certificates("ecdsa")
        return (report.Row(name, f"user-space memory a TLS VU, {count:,} idle", "B",
                           lambda value, _: _verdict(f"≤ {BYTES_TARGET}", value <= BYTES_TARGET)),
                Load("idle", count, tls=tls),
                row.one_by_one(lambda bench, contender: row.measure_memory(bench, contender, count, tls)))
    if kind in ("handshake", "rsa"):
        signed = "ecdsa" if kind == "handshake" else "rsa"
        key = {"ecdsa": "ECDSA P-256", "rsa": "RSA-2048"}[signed]
        the_row, load = _handshake_row(
            name, f"CPU a connect + TLS 1.3 handshake + close, {key}, {count:,} at a time", count,
            signed)
    elif kind == "echo":
        load = Load("echo", count, addresses=row.addresses_for(count), tls=certificates("ecdsa"))
        the_row = report.Row(name, f"CPU a TLS round trip, 64 bytes, {count:,} connections", "us",
                             _most(ECHO_TARGET))
    else:
        load = Load("echo", count, size=16384, tls=certificates("ecdsa"))
        the_row = report.Row(
            name, f"CPU a TLS round trip, 16 KiB, {count:,} connections", "us",
            lambda _value, ratio: None if ratio is None else _verdict(
                f"throughput a CPU-second {1 / ratio:.2f} x ≥ {BULK_TARGET}",
                1 / ratio >= BULK_TARGET))
    return the_row, load, lambda bench, contenders: row.side_by_side(bench, contenders, load)
