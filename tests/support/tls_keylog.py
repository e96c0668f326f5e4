# SPDX-License-Identifier: GPL-3.0-or-later
"""A key log put to its use: what two sides of a connection said, in the clear, from the bytes that
went over the wire and the log. An own reading of RFC 8446 and RFC 5246, with libcrypto's AES: only
AES-128-GCM, which is enough for tests.

    with tls_keylog.Recorder(server.host, server.port) as wire:
        ... connect to wire.host, wire.port
    client_said, server_said = tls_keylog.decrypt(log, wire.client, wire.server)
"""

import ctypes
import ctypes.util
import functools
import hmac
import socket
import threading

import harness

APPLICATION_DATA = 23
GCM_SET_TAG = 0x11
SUITES = {0x1301: "1.3", 0xC02B: "1.2", 0xC02F: "1.2"}  # all with AES-128-GCM and SHA-256


class Recorder:
    """Passes one connection on to a server, and keeps what each side sent."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.client, self.server = b"", b""
        self.listener = socket.create_server((host, harness.free_port()))
        self.host, self.port = self.listener.getsockname()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def _pass(self, source, target, name):
        try:
            while data := source.recv(1 << 16):
                setattr(self, name, getattr(self, name) + data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _serve(self):
        near = self.listener.accept()[0]
        with near, socket.create_connection(self.target) as far:
            back = threading.Thread(target=self._pass, args=(far, near, "server"), daemon=True)
            back.start()
            self._pass(near, far, "client")
            back.join()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.thread.join(timeout=10 * harness.SLOWDOWN)


def parse(log):
    """{client random: {label: secret}}, all in lower-case hexadecimal digits."""
    secrets = {}
    for line in log.splitlines():
        if line and not line.startswith("#"):
            label, random, secret = line.split(" ")
            secrets.setdefault(random.lower(), {})[label] = secret.lower()
    return secrets


def _records(stream):
    while stream:
        size = int.from_bytes(stream[3:5], "big")
        yield stream[0], stream[:5], stream[5:5 + size]
        stream = stream[5 + size:]


def _expand(secret, label, size):
    """HKDF-Expand-Label with an empty context."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes((len(label),)) + label + b"\0"
    return hmac.digest(secret, info + b"\1", "sha256")[:size]


def _prf(secret, seed, size):
    """TLS 1.2's P_SHA256."""
    out, a = b"", seed
    while len(out) < size:
        a = hmac.digest(secret, a, "sha256")
        out += hmac.digest(secret, a + seed, "sha256")
    return out[:size]


@functools.lru_cache(maxsize=None)
def _library():
    name = ctypes.util.find_library("crypto")
    if name is None:
        raise AssertionError("libcrypto is not installed; the package openssl brings it")
    library = ctypes.CDLL(name)
    for function in ("EVP_CIPHER_CTX_new", "EVP_aes_128_gcm"):
        getattr(library, function).restype = ctypes.c_void_p
    return library


def _open(key, nonce, aad, sealed):
    """The plaintext, or None if it is not authentic."""
    library = _library()
    context = ctypes.c_void_p(library.EVP_CIPHER_CTX_new())
    text, tag = sealed[:-16], sealed[-16:]
    out, size = ctypes.create_string_buffer(len(text) + 16), ctypes.c_int()
    cipher = ctypes.c_void_p(library.EVP_aes_128_gcm())
    library.EVP_DecryptInit_ex(context, cipher, None, key, nonce)
    library.EVP_DecryptUpdate(context, None, ctypes.byref(size), aad, len(aad))
    library.EVP_DecryptUpdate(context, out, ctypes.byref(size), text, len(text))
    library.EVP_CIPHER_CTX_ctrl(context, GCM_SET_TAG, 16, tag)
    authentic = library.EVP_DecryptFinal_ex(context, out, ctypes.byref(size)) == 1
    library.EVP_CIPHER_CTX_free(context)
    return out.raw[:len(text)] if authentic else None


def _said_13(secret, stream):
    """Records under the handshake's keys come first: they do not open, and do not count."""
    key, iv = _expand(secret, b"key", 16), _expand(secret, b"iv", 12)
    said, count = b"", 0
    for kind, header, body in _records(stream):
        if kind != APPLICATION_DATA:
            continue
        nonce = (int.from_bytes(iv, "big") ^ count).to_bytes(12, "big")
        inner = _open(key, nonce, header, body)
        if inner is None:
            if count > 0:
                raise AssertionError(f"record {count} does not open")
            continue
        count += 1
        inner = inner.rstrip(b"\0")
        if inner[-1] == APPLICATION_DATA:
            said += inner[:-1]
    return said


def _said_12(key, salt, stream):
    said, count = b"", 0
    ciphered = False
    for kind, header, body in _records(stream):
        if not ciphered:
            ciphered = kind == 20  # ChangeCipherSpec
            continue
        plain_size = len(body) - 8 - 16
        aad = count.to_bytes(8, "big") + header[:3] + plain_size.to_bytes(2, "big")
        plain = _open(key, salt + body[:8], aad, body[8:])
        if plain is None:
            raise AssertionError(f"record {count} does not open")
        count += 1
        if kind == APPLICATION_DATA:
            said += plain
    return said


def decrypt(log, client, server):
    """What the client and the server said in application data."""
    client_random, server_random = client[11:43], server[11:43]
    secrets = parse(log)[client_random.hex()]
    suite_at = 44 + server[43]
    suite = int.from_bytes(server[suite_at:suite_at + 2], "big")
    if SUITES[suite] == "1.3":
        return tuple(_said_13(bytes.fromhex(secrets[f"{side}_TRAFFIC_SECRET_0"]), stream)
                     for side, stream in (("CLIENT", client), ("SERVER", server)))
    block = _prf(bytes.fromhex(secrets["CLIENT_RANDOM"]),
                 b"key expansion" + server_random + client_random, 40)
    return (_said_12(block[:16], block[32:36], client),
            _said_12(block[16:32], block[36:40], server))
