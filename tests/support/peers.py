# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers that `ringload serve` has no mode for, each counting what it saw.

    with peers.Peer("shut-wr", host) as peer:   # threads of the test's own process
        ... peer.host, peer.port, peer.counts
"""

import contextlib
import select
import socket
import threading
import time

import harness

DEADLINE_S = 5  # of the echo server that k6/x/tcp's own tests use


def shut_wr(peer, connection):
    """Replies once with what it got, then FIN; goes on reading until the other's FIN."""
    data = connection.recv(1 << 16)
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)
    peer.drain(connection)


def deadline(peer, connection):
    """Echoes for five seconds, then closes."""
    end = time.monotonic() + DEADLINE_S
    while (left := end - time.monotonic()) > 0:
        connection.settimeout(left)
        data = connection.recv(1 << 16)
        if not data:
            peer.count("fins")
            return
        peer.count("bytes_in", len(data))
        connection.sendall(data)


def rst_later(peer, connection):
    """Reads 1000 bytes, waits a little, resets."""
    peer.count("bytes_in", len(connection.recv(1000)))
    time.sleep(0.1)
    harness.reset(connection)


def slow_reader(peer, connection):
    """Reads nothing for 300 ms, then everything."""
    time.sleep(0.3)
    peer.drain(connection)


MANNERS = {"shut-wr": shut_wr, "deadline": deadline, "rst-later": rst_later,
           "slow-reader": slow_reader, "backlog": None}


class Peer:
    """counts: accepted, and what the manner counts: fins, resets, bytes_in."""

    def __init__(self, manner, host):
        """manner: a name of MANNERS, or a function of a peer and a connection."""
        self.manner, self.host = manner if callable(manner) else MANNERS[manner], host
        self.counts = {"accepted": 0, "fins": 0, "resets": 0, "bytes_in": 0}
        self.lock = threading.Lock()
        self.open, self.fillers = [], []
        self.listener = socket.create_server((host, 0), backlog=0 if self.manner is None else 256)
        self.port = self.listener.getsockname()[1]
        if self.manner is None:
            self._fill()
        else:
            threading.Thread(target=self._accept, daemon=True).start()

    def _fill(self):
        """The queue of a listener that never accepts: whoever comes now hangs."""
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))
            self.fillers.append(filler)
        time.sleep(0.05)

    def count(self, name, amount=1):
        with self.lock:
            self.counts[name] += amount

    def drain(self, connection):
        while data := connection.recv(1 << 16):
            self.count("bytes_in", len(data))
        self.count("fins")

    def _is_asked(self, seconds):
        return bool(select.select([self.listener], [], [], seconds)[0])

    def _accept(self):
        with contextlib.suppress(OSError, ValueError):  # the listener is closed
            while True:
                self._is_asked(None)
                with self.lock:
                    connection = self.listener.accept()[0]
                    self.counts["accepted"] += 1
                    self.open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _is_done(self):
        with self.lock:
            return not self._is_asked(0) and all(c.fileno() < 0 for c in self.open)

    def _serve(self, connection):
        try:
            self.manner(self, connection)
        except ConnectionError:
            self.count("resets")
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self):
        """What was counted, when all that came has ended."""
        harness.wait_until(self._is_done, "peers end")
        return self.counts

    def close(self):
        for each in (self.listener, *self.fillers, *self.open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
