# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, seen from outside: a contender's CPU clock and the server's counters, read at both ends
of windows in which nothing but the load goes on."""

import json
import time

from .contender import Load
from .process import Failed, Server, cpu_ns, machine_busy_ns, rss_bytes
from .side import WARM_S, Side, run_together

SETTLE_S = 2.5   # before memory is read
PAUSE_S = 1.5    # between runs: closed ports can be used again after 1 s

PAUSE_WINDOW_S = 20.0
LEAST_TURNS = 50000  # five beyond p(99.99)

SHARE = 17000    # sockets of one ring or process, below a limit of 20,000 files
PER_ADDRESS = 20000  # sockets to one destination, below its 28,232 source ports


def _ceil(a, b):
    return -(-a // b)


def addresses_for(connections):
    """A prime number of destinations: VUs are dealt to workers and to addresses in turn, and
    with a common divisor a worker would meet some of the addresses only."""
    need = _ceil(connections, PER_ADDRESS)
    return next(p for p in (1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61)
                if p >= need + (need > 1))


def shares_for(connections):
    return _ceil(connections, SHARE)


class Bench:
    """Where things are and which core does what."""

    def __init__(self, server_program, port, server_core, client_core, window_s, spin, connect_rate):
        self.server_program = server_program
        self.port = port
        self.server_core = server_core
        self.client_core = client_core
        self.window_s = window_s
        self.spin = spin
        self.connect_rate = connect_rate  # VUs a second that ringload can surely start

    def server(self, load, contender, port=None, processes=None, spin=False):
        processes = processes or _ceil(load.connections, SHARE - 2000)
        extra = list(contender.server_arguments)
        if load.tls is not None:
            extra += ["--cert", load.tls.cert, "--key", load.tls.key]
        if load.intervals:
            extra.append("--intervals")
        return Server(self.server_program, port or self.port, self.server_core, processes,
                      seconds=600 + self.window_s, spin=spin, extra=extra)


def _ready(load, counters):
    """Connections that can be used: with TLS, that are through the handshake."""
    return counters["accepted" if load.tls is None else "handshakes"]


def _completed(load, delta):
    """What was done within a window: handshakes, cycles or round trips."""
    if load.mode == "handshake":
        return delta["handshakes"]
    return delta["closed"] if load.mode == "connect" else delta["bytes_in"] / load.size


def _check_window(load, delta, contender):
    """Nothing but the load may have happened between two samples."""
    if delta["resets"] > 0 and not contender.resets:
        raise Failed(f"{delta['resets']} connections ended with RST")
    if load.mode in ("echo", "pause") and (delta["accepted"] > 0 or delta["closed"] > 0):
        raise Failed(f"{delta['accepted']} connections opened and {delta['closed']} closed "
                     "within the window")
    if _completed(load, delta) < 1:
        raise Failed("no load within the window")


class EchoPeer:
    """The echo server as a side's: one that polls; or, if the connections are too many for one, several
    that sleep."""

    sample_ns = 200_000  # longer than that, and it was interrupted

    def __init__(self, bench, contender, load, port):
        self.bench, self.contender, self.load, self.port = bench, contender, load, port
        self.server = self.printed = None

    def __enter__(self):
        processes = _ceil(self.load.connections, SHARE - 2000) if self.load.shares > 1 else 1
        self.server = self.bench.server(self.load, self.contender, self.port, processes,
                                        self.bench.spin and processes == 1)
        return self

    def __exit__(self, *unused):
        if self.server is not None:
            self.server.__exit__()

    def pause(self):
        self.server.pause()

    def go_on(self):
        self.server.go_on()

    def wait_until(self, *arguments):
        self.server.wait_until(*arguments)

    def ready(self, load):
        return _ready(load, self.server.counters())

    def sample(self):
        return self.server.counters(), self.server.cpu_ns()

    def check_slice(self, load, delta, contender):
        _check_window(load, delta, contender)

    def completed(self, load, delta):
        return _completed(load, delta)

    def finish(self, load, contender):
        """The server may still be busy with the last FINs."""
        quiet = time.monotonic() + 2
        while time.monotonic() < quiet:
            now = self.server.counters()
            if now["closed"] + now["resets"] >= now["accepted"]:
                break
            time.sleep(0.01)
        contender.check(load, self.server.stop())
        self.printed = json.loads(self.server.read(self.server.stdout))

    def value(self, load):
        """What is measured instead of CPU time, in us; None: nothing."""
        return self.printed["interval_p50_ns"] / 1000 if load.intervals else None


def side_by_side(bench, contenders, load_of, make_peer=EchoPeer):
    """A result for each contender by name, or why it failed. load_of: the load, or a function of the contender.
    Those whose server cannot be stopped under them come by themselves, after the others."""
    results = {}
    groups = [[c for c in contenders if c.stoppable]] + [[c] for c in contenders if not c.stoppable]
    for group in filter(None, groups):
        sides = []
        for i, contender in enumerate(sorted(group, key=lambda c: c.starts_last)):
            load = load_of(contender) if callable(load_of) else load_of
            sides.append(Side(bench, contender, load, make_peer(bench, contender, load, bench.port + 10 * i)))
        results.update(run_together(sides, bench.window_s, bench.connect_rate))
    return results


def one_by_one(measure):
    """The same of a function that measures a contender alone."""

    def measure_all(bench, contenders):
        results = {}
        for contender in contenders:
            try:
                results[contender.name] = measure(bench, contender)
            except Failed as error:
                results[contender.name] = error
            time.sleep(PAUSE_S)
        return results

    return measure_all


def _rss_of(bench, contender, load):
    """Resident bytes of a contender that holds its connections."""
    with bench.server(load, contender) as server:
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
    process of the baseline, divided."""
    shares = _ceil(connections, SHARE)
    addresses = addresses_for(connections)
    empty = _rss_of(bench, contender, Load("idle", shares, addresses=addresses, shares=shares,
                                         tls=tls))
    time.sleep(PAUSE_S)
    full = _rss_of(bench, contender,
                   Load("idle", connections, addresses=addresses, shares=shares, tls=tls))
    return {"value": (full - empty) / (connections - shares), "empty": empty, "full": full}


def _window(bench, load, server, clients, contender):
    """How busy all were in the middle of a run."""
    begin = time.monotonic_ns(), server.counters(), _clocks(server, clients)
    time.sleep(PAUSE_WINDOW_S / 2)
    end = time.monotonic_ns(), server.counters(), _clocks(server, clients)
    delta = {name: end[1][name] - begin[1][name] for name in end[1]}
    for client in clients:
        if not client.alive():
            raise Failed(f"its run was over before the window was: {client.tail()}")
    _check_window(load, delta, contender)
    wall = end[0] - begin[0]
    client_ns, server_ns, all_ns = (b - a for a, b in zip(begin[2], end[2]))
    return {"rate": _completed(load, delta) / wall * 1e9, "client_busy": client_ns / wall,
            "others_busy": max(0, all_ns - client_ns - server_ns) / wall}


def _clocks(server, clients):
    return sum(cpu_ns(client.pid) for client in clients), server.cpu_ns(), machine_busy_ns()


def measure_pause(bench, contender, load):
    """p(99.99) of the length of a worker's turns while all are connected and some echo."""
    with bench.server(load, contender) as server:
        clients = contender.start(load, bench.port, bench.client_core, PAUSE_WINDOW_S)
        try:
            server.wait_until(lambda: _ready(load, server.counters()) >= load.connections, 120,
                              f"{load.connections} connections", clients)
            time.sleep(WARM_S)
            window = _window(bench, load, server, clients, contender)
            contender.finish()
        finally:
            for client in clients:
                client.__exit__()
        contender.check(load, server.stop())
    steady = contender.turns.get("steady", {"count": 0})
    if steady["count"] < LEAST_TURNS:
        raise Failed(f"only {steady['count']} turns, too few for p(99.99)")
    return {"value": steady["p(99.99)"] * 1000, "longest": steady["max"] * 1000, "turns": steady["count"],
            **window}
