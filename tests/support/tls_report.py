# SPDX-License-Identifier: GPL-3.0-or-later
"""An echo server over TLS that first says, in one line of JSON, what it saw of the handshake.

    with tls_report.server(certs.host, tls_faults.context_of(certs, certs.rsa)) as peer:
        ... peer.host, peer.port
    peer.counts   # accepted, handshakes, notified: ends with close_notify, cut: ends without

The line: sni, alpn (offered), versions, ciphers (of the hello, by number), version, cipher, selected,
resumed, client (the subject's CN of its certificate).
"""

import json
import socket
import ssl
import time

import peers

SERVER_NAME, ALPN, VERSIONS = 0, 16, 43


def _vectors(data, size):
    """Of a list of byte strings, each behind its length in size bytes."""
    items = []
    while data:
        end = size + int.from_bytes(data[:size], "big")
        items.append(data[size:end])
        data = data[end:]
    return items


def _numbers(data):
    return [int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2)]


def client_hello(record):
    """What the first record of a client says: a dict."""
    body = record[5 + 4 + 2 + 32:]                      # behind version and random
    body = body[1 + body[0]:]                           # and the session's id
    size = int.from_bytes(body[:2], "big")
    hello = {"ciphers": _numbers(body[2:2 + size]), "sni": None, "alpn": [], "versions": [],
             "extensions": []}
    body = body[2 + size:]
    body = body[1 + body[0] + 2:]                       # behind the compressions
    while body:
        kind, size = _numbers(body[:4])
        data, body = body[4:4 + size], body[4 + size:]
        hello["extensions"].append(kind)
        if kind == SERVER_NAME:
            hello["sni"] = data[5:].decode()
        elif kind == ALPN:
            hello["alpn"] = [name.decode() for name in _vectors(data[2:], 1)]
        elif kind == VERSIONS:
            hello["versions"] = _numbers(data[1:])
    return hello


def _peek_hello(connection):
    """The whole first record, which stays in the connection; short: the peer has left."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        data = connection.recv(1 << 16, socket.MSG_PEEK)
        if not data or (len(data) >= 5 and len(data) >= 5 + int.from_bytes(data[3:5], "big")):
            return data
        time.sleep(0.005)
    return b""


def _common_name(certificate):
    for part in (certificate or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return value
    return None


class Server(peers.Peer):
    """delay_s: how long it waits before it answers the hello. starttls: a few lines go in the clear
    before, as with SMTP."""

    def __init__(self, host, context, delay_s=0.0, starttls=False):
        self.context, self.delay_s, self.starttls = context, delay_s, starttls
        super().__init__(Server._serve_tls, host)
        self.counts.update(handshakes=0, notified=0, cut=0)

    @staticmethod
    def _clear_lines(connection):
        connection.sendall(b"220 ready\r\n")
        if connection.recv(100) == b"STARTTLS\r\n":
            connection.sendall(b"220 go on\r\n")

    def _serve_tls(self, connection):
        if self.starttls:
            self._clear_lines(connection)
        hello = _peek_hello(connection)
        if not hello:
            return
        time.sleep(self.delay_s)
        # Of a copy: wrapping takes the descriptor away, and stop() waits until the connection's is closed.
        with self.context.wrap_socket(connection.dup(), server_side=True,
                                      suppress_ragged_eofs=False) as tls:
            self.count("handshakes")
            seen = client_hello(hello)
            seen.update(version=tls.version(), cipher=tls.cipher()[0],
                        selected=tls.selected_alpn_protocol(), resumed=tls.session_reused,
                        client=_common_name(tls.getpeercert()))
            tls.sendall(json.dumps(seen).encode() + b"\n")
            try:
                while data := tls.recv(1 << 16):
                    self.count("bytes_in", len(data))
                    tls.sendall(data)
                self.count("notified")
            except ssl.SSLEOFError:
                self.count("cut")


def server(host, context, **options):
    return Server(host, context, **options)
