# SPDX-License-Identifier: GPL-3.0-or-later
"""One measurement of one contender, seen from outside: its CPU clock and the server's counters,
read at both ends of a window in which nothing but the load goes on."""

import json
import time

from .contender import Load
from .process import Failed, Server, cpu_ns, machine_busy_ns, rss_bytes

WARM_S = 1.3     # after the last connection was accepted
SETTLE_S = 2.5   # before memory is read
PAUSE_S = 1.5    # between runs: closed ports can be used again after 1 s

PAUSE_WINDOW_S = 20.0
LEAST_TURNS = 50000  # five beyond p(99.99)

LEAST_NS = 500  # a round trip through TCP costs several times as much on any machine

SHARE = 17000    # sockets of one ring or process, below a limit of 20,000 files
MOST = 19000     # as many as fit all the same
PER_ADDRESS = 20000  # sockets to one destination, below its 28,232 source ports


def _ceil(a, b):
    return -(-a // b)


def addresses_for(connections):
    """A prime number of destinations: VUs are dealt to workers and to addresses in turn, and
    with a common divisor a worker would meet some of the addresses only."""
    need = _ceil(connections, PER_ADDRESS)
    return next(p for p in (1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61)
                if p >= need + (need > 1))


def shares_for(connections, most=SHARE):
    return _ceil(connections, most)


class Bench:
    """Where things are and which core does what."""

    def __init__(self, server_program, port, server_core, client_core, window_s, spin):
        self.server_program = server_program
        self.port = port
        self.server_core = server_core
        self.client_core = client_core
        self.window_s = window_s
        self.spin = spin

    def server(self, processes, spin, load, contender):
        extra = list(contender.server_arguments)
        if load.tls is not None:
            extra += ["--cert", load.tls.cert, "--key", load.tls.key]
        if load.intervals:
            extra.append("--intervals")
        return Server(self.server_program, self.port, self.server_core, processes,
                      seconds=300 + self.window_s, spin=spin, extra=extra)


def _ready(load, counters):
    """Connections that can be used: with TLS, that are through the handshake."""
    return counters["accepted" if load.tls is None else "handshakes"]


def _sample(server, clients):
    """Counters and clocks as of one instant, or of 200 us if the machine lets us."""
    for _ in range(50):
        begin = time.monotonic_ns()
        counters = server.counters()
        client_ns = sum(cpu_ns(client.pid) for client in clients)
        server_ns = cpu_ns(server.pid)
        end = time.monotonic_ns()
        if end - begin < 200_000:
            break
    return begin, counters, client_ns, server_ns, machine_busy_ns()


def _completed(load, delta):
    """What was done within a window: handshakes, cycles or round trips."""
    if load.mode == "handshake":
        return delta["handshakes"]
    return delta["closed"] if load.mode == "connect" else delta["bytes_in"] / load.size


def _check_window(load, before, after, clients, contender):
    """Nothing but the load may have happened between the two samples."""
    delta = {name: after[name] - before[name] for name in after}
    for client in clients:
        if not client.alive():
            raise Failed("its run was over before the window was (a lower --connect-rate gives "
                         f"ringload more time): {client.tail()}")
    if delta["resets"] > 0 and not contender.resets:
        raise Failed(f"{delta['resets']} connections ended with RST")
    if load.mode in ("echo", "pause") and (delta["accepted"] > 0 or delta["closed"] > 0):
        raise Failed(f"{delta['accepted']} connections opened and {delta['closed']} closed "
                     "within the window")
    if _completed(load, delta) < 1:
        raise Failed("no load within the window")
    return delta


def _server_for(bench, load, contender):
    """One that polls; or, if the connections are too many for one, several that sleep."""
    processes = _ceil(load.connections, SHARE - 2000) if load.shares > 1 else 1
    return bench.server(processes, bench.spin and processes == 1, load, contender)


def measure_cpu(bench, contender, load):
    """CPU of the client for each round trip (mode echo) or cycle (modes connect, handshake)."""
    with _server_for(bench, load, contender) as server:
        clients = contender.start(load, bench.port, bench.client_core, bench.window_s)
        try:
            server.wait_until(lambda: _ready(load, server.counters()) >= load.connections, 90,
                              f"{load.connections} connections", clients)
            time.sleep(WARM_S)
            t0, before, client0, server0, all0 = _sample(server, clients)
            time.sleep(bench.window_s)
            t1, after, client1, server1, all1 = _sample(server, clients)
            delta = _check_window(load, before, after, clients, contender)
            contender.finish()
        finally:
            for client in clients:
                client.__exit__()
        # The server may still be busy with the last FINs.
        quiet = time.monotonic() + 2
        while time.monotonic() < quiet:
            now = server.counters()
            if now["closed"] + now["resets"] >= now["accepted"]:
                break
            time.sleep(0.01)
        contender.check(load, server.stop())
        printed = server.read(server.stdout)
    count = _completed(load, delta)
    if client1 - client0 < count * LEAST_NS:
        raise Failed("less CPU than TCP alone needs: is the work done in another process?")
    wall, client_ns, server_ns = t1 - t0, client1 - client0, server1 - server0
    value_ns = json.loads(printed)["interval_p50_ns"] if load.intervals else client_ns / count
    return {"value": value_ns / 1000, "rate": count / wall * 1e9,
            "client_busy": client_ns / wall,
            "others_busy": max(0, all1 - all0 - client_ns - server_ns) / wall}


def _rss_of(bench, contender, load):
    """Resident bytes of a contender that holds its connections."""
    with bench.server(_ceil(load.connections, SHARE - 2000), False, load, contender) as server:
        clients = contender.start(load, bench.port, bench.client_core, SETTLE_S)
        try:
            server.wait_until(lambda: _ready(load, server.counters()) >= load.connections, 120,
                              f"{load.connections} connections", clients)
            time.sleep(SETTLE_S)
            before = server.counters()
            total = sum(rss_bytes(client.pid) for client in clients)
            if before["closed"] + before["resets"] > 0 or before["accepted"] != load.connections:
                raise Failed(f"{before['accepted']} accepted, {before['closed']} closed, "
                             f"{before['resets']} reset while idle")
            contender.finish()
        finally:
            for client in clients:
                client.__exit__()
        contender.check(load, server.stop())
    return total


def measure_memory(bench, contender, connections, tls=None):
    """User-space bytes for each idle connected user: the difference to a run with one user a
    worker or process, divided."""
    shares = _ceil(connections, SHARE)
    addresses = addresses_for(connections)
    empty = _rss_of(bench, contender, Load("idle", shares, addresses=addresses, shares=shares,
                                         tls=tls))
    time.sleep(PAUSE_S)
    full = _rss_of(bench, contender,
                   Load("idle", connections, addresses=addresses, shares=shares, tls=tls))
    return {"value": (full - empty) / (connections - shares), "empty": empty, "full": full}


def measure_pause(bench, contender, load):
    """p(99.99) of the length of a worker's turns while all are connected and some echo."""
    with bench.server(_ceil(load.connections, SHARE - 2000), False, load, contender) as server:
        clients = contender.start(load, bench.port, bench.client_core, PAUSE_WINDOW_S)
        try:
            server.wait_until(lambda: _ready(load, server.counters()) >= load.connections, 120,
                              f"{load.connections} connections", clients)
            time.sleep(WARM_S)
            t0, before, client0, server0, all0 = _sample(server, clients)
            time.sleep(PAUSE_WINDOW_S / 2)
            t1, after, client1, server1, all1 = _sample(server, clients)
            delta = _check_window(load, before, after, clients, contender)
            contender.finish()
        finally:
            for client in clients:
                client.__exit__()
        contender.check(load, server.stop())
    steady = contender.turns.get("steady", {"count": 0})
    if steady["count"] < LEAST_TURNS:
        raise Failed(f"only {steady['count']} turns, too few for p(99.99)")
    wall, client_ns, server_ns = t1 - t0, client1 - client0, server1 - server0
    return {"value": steady["p(99.99)"] * 1000, "longest": steady["max"] * 1000, "turns": steady["count"],
            "rate": _completed(load, delta) / wall * 1e9, "client_busy": client_ns / wall,
            "others_busy": max(0, all1 - all0 - client_ns - server_ns) / wall}
