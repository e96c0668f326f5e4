# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS servers that go wrong in one way each, at a step of the handshake or after it.

    with tls_faults.server(certs, certs.rsa, "cut-in-a-record") as peer:
        ... peer.host, peer.port
    peer.counts   # accepted, fins, resets, bytes_in, and `handshakes` that were completed

The server's side of TLS is Python's ssl on memory: each byte passes through here on its way. The
names of MANNERS say what goes wrong; those with a step are made for each of STEPS and ENDS.
"""

import contextlib
import socket
import ssl

import harness
import peers

GARBAGE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
HELLO = b"hello from the server\n"
RECORDS = 500          # of "many-records", 100 bytes each
BLOCK = 1 << 14

# Where a handshake ends early. hello: the client's hello was read, nothing was sent. half-record:
# half of the first record was sent. server-hello: the whole first record. flight: all that the
# server says before it waits for the client.
STEPS = ("hello", "half-record", "server-hello", "flight")
ENDS = ("fin", "rst", "alert")


def context_of(certs, identity, version=None, client="none", alpn=None, ciphers=None):
    """client: whether a certificate is asked for: none, optional, required. version: "1.2"."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.cert, identity.key)
    context.load_verify_locations(certs.ca)
    context.verify_mode = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL,
                           "required": ssl.CERT_REQUIRED}[client]
    if version is not None:
        exactly = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
        context.minimum_version = context.maximum_version = exactly
    if alpn is not None:
        context.set_alpn_protocols(alpn)
    if ciphers is not None:
        context.set_ciphers(ciphers)
    return context


def alert(description=40):
    """A fatal alert in the clear; 40 is handshake_failure."""
    return bytes((21, 3, 3, 0, 2, 2, description))


def record_end(data):
    """Where the first record ends."""
    return 5 + int.from_bytes(data[3:5], "big")


class Tls:
    """One connection's TLS, its bytes in hand. send: how bytes leave, sendall at first."""

    def __init__(self, connection, context):
        self.connection = connection
        # What is sent has left when the connection is reset.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.send = connection.sendall

    def receive(self):
        data = self.connection.recv(1 << 16)
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return data

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.send(data)

    def first_flight(self):
        """Read until the server has something to say; that."""
        while not self.outgoing.pending:
            if not self.receive():
                raise ConnectionError("FIN instead of a hello")
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
        return self.outgoing.read()

    def handshake(self):
        while True:
            try:
                self.tls.do_handshake()
                self.flush()
                return
            except ssl.SSLWantReadError:
                self.flush()
                if not self.receive():
                    raise ConnectionError("FIN in the handshake") from None
            except ssl.SSLError:
                self.flush()  # the alert
                raise

    def read(self):
        """What the client said next; b"" at its end, with or without close_notify."""
        while True:
            try:
                return self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                self.flush()
                self.receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def seal(self, data, size=BLOCK):
        """The data as records of so many bytes each, not yet sent."""
        for at in range(0, len(data), size):
            self.tls.write(data[at:at + size])
        return self.outgoing.read()

    def close_notify(self):
        with contextlib.suppress(ssl.SSLError):  # it is said all the same, if it still can be
            self.tls.unwrap()
        self.flush()


def fin(connection):
    """FIN, then what the other still has to say: closing with it unread would be a reset."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(1 << 16):
        pass


def one_by_one(connection):
    """A way to send: each byte a segment of its own."""

    def send(data):
        for byte in data:
            connection.send(bytes((byte,)))

    return send


# --- Manners: manner(server, connection). ---


def never_answers(server, connection):
    """Reads the hello, and all else, and says nothing."""
    server.drain(connection)


def at_step(step, end):
    """Ends at that step of the handshake: by FIN, RST, or an alert and FIN."""

    def manner(server, connection):
        flight = Tls(connection, server.context).first_flight()
        first = record_end(flight)
        sizes = {"hello": 0, "half-record": first // 2, "server-hello": first,
                 "flight": len(flight)}
        connection.sendall(flight[:sizes[step]])
        if end == "rst":
            harness.reset(connection)
            return
        if end == "alert":
            connection.sendall(alert())
        fin(connection)

    return manner


def garbage_hello(server, connection):
    connection.recv(1 << 16)
    connection.sendall(GARBAGE)
    fin(connection)


def opened(manner):
    """A manner that begins after the handshake: manner(server, connection, tls)."""

    def whole(server, connection):
        tls = Tls(connection, server.context)
        tls.handshake()
        server.count("handshakes")
        manner(server, connection, tls)

    return whole


@opened
def echo(server, _connection, tls):
    """Echoes until the client's end, then says close_notify."""
    while data := tls.read():
        server.count("bytes_in", len(data))
        tls.send(tls.seal(data))
    tls.close_notify()


def one_byte(server, connection):
    """As echo, and all that it says comes a byte a segment, the handshake too."""
    tls = Tls(connection, server.context)
    tls.send = one_by_one(connection)
    tls.handshake()
    server.count("handshakes")
    while data := tls.read():
        server.count("bytes_in", len(data))
        tls.send(tls.seal(data))
    tls.close_notify()


@opened
def hello_and_close(_server, connection, tls):
    """Says something, close_notify, FIN."""
    tls.send(tls.seal(HELLO))
    tls.close_notify()
    fin(connection)


@opened
def cut_between_records(_server, connection, tls):
    """FIN without close_notify, after a whole record."""
    tls.send(tls.seal(HELLO))
    fin(connection)


@opened
def cut_in_a_record(_server, connection, tls):
    """FIN after a whole record and half of the next."""
    record = tls.seal(HELLO)
    tls.send(record + tls.seal(HELLO)[:len(record) // 2])
    fin(connection)


@opened
def cut_in_a_header(_server, connection, tls):
    """FIN after a whole record and two bytes of the next one's header."""
    tls.send(tls.seal(HELLO) + tls.seal(HELLO)[:2])
    fin(connection)


@opened
def reset_after_a_record(_server, connection, tls):
    tls.send(tls.seal(HELLO))
    tls.read()
    harness.reset(connection)


@opened
def garbage_after(_server, connection, tls):
    """A record, then bytes that are none."""
    tls.send(tls.seal(HELLO) + GARBAGE)
    fin(connection)


@opened
def corrupt_record(_server, connection, tls):
    """A record, then one with a bit that fell over."""
    good, bad = tls.seal(HELLO), bytearray(tls.seal(HELLO))
    bad[-1] ^= 1
    tls.send(good + bytes(bad))
    fin(connection)


@opened
def alert_after(_server, connection, tls):
    """A record, then an alert in the clear, as it must not come any more."""
    tls.send(tls.seal(HELLO) + alert())
    fin(connection)


@opened
def many_records(server, connection, tls):
    """RECORDS records of 100 bytes in one write, then close_notify."""
    data = bytes(i % 251 for i in range(RECORDS * 100))
    tls.send(tls.seal(data, 100))
    server.count("bytes_out", len(data))
    tls.close_notify()
    fin(connection)


@opened
def close_notify_only(_server, connection, tls):
    """close_notify but no FIN: the client must end by itself."""
    tls.send(tls.seal(HELLO))
    tls.close_notify()
    with contextlib.suppress(ConnectionError):
        while connection.recv(1 << 16):
            pass


MANNERS = {
    "never-answers": never_answers,
    "garbage-hello": garbage_hello,
    "echo": echo,
    "one-byte": one_byte,
    "hello-and-close": hello_and_close,
    "cut-between-records": cut_between_records,
    "cut-in-a-record": cut_in_a_record,
    "cut-in-a-header": cut_in_a_header,
    "reset-after-a-record": reset_after_a_record,
    "garbage-after": garbage_after,
    "corrupt-record": corrupt_record,
    "alert-after": alert_after,
    "many-records": many_records,
    "close-notify-only": close_notify_only,
    **{f"{end}-at-{step}": at_step(step, end) for step in STEPS for end in ENDS},
}


def _counting_refusals(manner):
    def whole(peer, connection):
        try:
            manner(peer, connection)
        except ssl.SSLError:
            peer.count("refused")
            fin(connection)

    return whole


class Server(peers.Peer):
    """counts: as a Peer's, and `handshakes`, `refused` (by us), `bytes_out`."""

    def __init__(self, context, manner, host):
        self.context = context
        super().__init__(_counting_refusals(MANNERS[manner]), host)
        self.counts.update(handshakes=0, refused=0, bytes_out=0)


class Forgetful(Server):
    """Each connection has a context of its own: no ticket or session of an earlier one is known."""

    def __init__(self, make, manner, host):
        self.make = make
        super().__init__(None, manner, host)

    @property
    def context(self):
        return self.make()

    @context.setter
    def context(self, _context):
        pass


@contextlib.contextmanager
def server(certs, identity, manner, forgets=False, **options):
    """options: those of context_of."""
    if forgets:
        peer = Forgetful(lambda: context_of(certs, identity, **options), manner, certs.host)
    else:
        peer = Server(context_of(certs, identity, **options), manner, certs.host)
    with peer:
        yield peer
