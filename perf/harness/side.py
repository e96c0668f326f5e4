# SPDX-License-Identifier: GPL-3.0-or-later
"""Contenders side by side: each has a server of its own, all are connected at the same time, and in turn
each works for a slice of a quarter of a second while the servers of the others are stopped. Whatever slows
the machine down for seconds slows all of them down alike.

    server A  |====|    |    |====|    |    |====|      running; A's client works
    server B  |    |====|    |    |====|    |    |      stopped: B's client waits for answers, and costs nothing
    server C  |    |    |====|    |    |====|    |
"""

import time

from .process import Failed, cpu_ns, machine_busy_ns, softirq_ns

WARM_S = 1.3      # after the last connection
CYCLES_WARM_S = 0.3  # of new connections all the time: not so many that ports are wanted again within a second
SLICE_S = 0.25    # at least, and so long that each connection has some turns
ROUND_TRIP_S = 1e-5  # of one among many connections, at most, by their number
SETTLE_S = 0.05   # from the server's going on to the slice's beginning
IDLE_NS, IDLE_S, IDLE_LIMIT_S = 1_000_000, 0.02, 3  # a client that uses so little in such a time has nothing to do
END_LIMIT_S = 60   # for runs to end by themselves
LEAST_NS = 500    # a round trip through TCP costs several times as much on any machine


class Side:
    """A contender, its server and what both have done in all slices so far."""

    def __init__(self, bench, contender, load, server):
        self.bench, self.contender, self.load, self.server = bench, contender, load, server
        self.clients = []
        self.count = self.wall_ns = self.client_ns = self.others_ns = 0

    def start(self, window_s):
        """window_s: how long it must at least be able to go on for, once connected."""
        self.clients = self.contender.start(self.load, self.server.port, self.bench.client_core, window_s)
        self.server.wait_until(lambda: self.server.ready(self.load) >= self.load.connections, 90,
                               f"{self.load.connections} connections", self.clients)
        time.sleep(CYCLES_WARM_S if self.load.cycles() else WARM_S)

    def _sample(self):
        """Counters and clocks as of one instant, or of 200 us if the machine lets us."""
        for _ in range(50):
            begin = time.monotonic_ns()
            counters, server_ns = self.server.sample()
            client_ns = self._cpu_ns()
            soft = softirq_ns()
            if time.monotonic_ns() - begin < self.server.sample_ns:
                break
        own = soft.get(self.bench.client_core, 0)
        return begin, counters, client_ns + own, server_ns + sum(soft.values()) - own, machine_busy_ns()

    def slice(self, seconds):
        t0, before, client0, server0, all0 = self._sample()
        time.sleep(seconds)
        t1, after, client1, server1, all1 = self._sample()
        for client in self.clients:
            if not client.alive():
                raise Failed("its run was over before the window was (a lower --connect-rate gives "
                             f"ringload more time): {client.tail()}")
        delta = {name: after[name] - before[name] for name in after}
        self.server.check_slice(self.load, delta, self.contender)
        self.count += self.server.completed(self.load, delta)
        self.wall_ns += t1 - t0
        self.client_ns += client1 - client0
        self.others_ns += max(0, all1 - all0 - (client1 - client0) - (server1 - server0))

    def finish(self):
        """The end of its run; everything that it says must agree with the server's counters."""
        self.contender.finish()
        self.close_clients()
        self.server.finish(self.load, self.contender)
        if self.count < 1:
            raise Failed("no load within the window")
        if self.client_ns < self.count * LEAST_NS:
            raise Failed("less CPU than TCP alone needs: is the work done in another process?")

    def pause(self):
        """Stop the server, and wait until the client has dealt with what was under way."""
        self.server.pause()
        used, end = self._cpu_ns(), time.monotonic() + IDLE_LIMIT_S
        while time.monotonic() < end:
            time.sleep(IDLE_S)
            before, used = used, self._cpu_ns()
            if used - before < IDLE_NS:
                return
        raise Failed("it has much to do though its server was stopped")

    def cycling(self):
        return self.load.cycles() and any(client.alive() for client in self.clients)

    def _cpu_ns(self):
        return sum(cpu_ns(client.pid) for client in self.clients)

    def close_clients(self):
        for client in self.clients:
            client.__exit__()
        self.clients = []

    def close(self):
        self.close_clients()
        self.server.__exit__()

    def result(self):
        value = self.server.value(self.load)
        return {"value": value if value is not None else self.client_ns / self.count / 1000,
                "rate": self.count / self.wall_ns * 1e9, "client_busy": self.client_ns / self.wall_ns,
                "others_busy": self.others_ns / self.wall_ns}


class _Group:
    """Sides that take turns. What fails leaves the others alone."""

    def __init__(self, sides):
        self.sides, self.failed = list(sides), {}

    def each(self, action):
        for side in list(self.sides):
            try:
                action(side)
            except Failed as error:
                self.failed[side.contender.name] = error
                self.sides.remove(side)
                side.close()

    def start(self, turns_s, connect_rate):
        """One after the other, so each must go on for as long as the later ones take to start, half as fast as it
        itself surely does."""
        later_s = [WARM_S + 1 + 2 * side.load.connections / connect_rate for side in self.sides]

        def start(side):
            later_s.pop(0)
            side.server.__enter__()
            side.start(turns_s + sum(later_s))
            side.pause()

        self.each(start)

    def turn(self, length_s):
        def turn(side):
            side.server.go_on()
            time.sleep(SETTLE_S)
            side.slice(length_s)
            side.pause()

        self.each(turn)
        self.sides = self.sides[1:] + self.sides[:1]

    def finish(self):
        """Each run goes on until its time is over; those that use up ports go on in turns."""
        end = time.monotonic() + END_LIMIT_S
        while any(side.cycling() for side in self.sides) and time.monotonic() < end:
            for side in self.sides:
                side.server.go_on()
                time.sleep(SLICE_S)
                side.server.pause()
        self.each(lambda side: side.server.go_on())
        self.each(Side.finish)


def run_together(sides, window_s, connect_rate):
    """The sides' results by the contenders' names, or why they failed. window_s: the slices of each in all."""
    round_trip_s = max(side.load.connections for side in sides) * ROUND_TRIP_S
    slices = max(1, round(window_s / max(SLICE_S, 3 * round_trip_s))) if len(sides) > 1 else 1
    length_s = window_s / slices
    group = _Group(sides)
    try:
        group.start(1 + slices * len(sides) * (length_s + SETTLE_S + 2 * IDLE_S + round_trip_s) * 1.2, connect_rate)
        for _ in range(slices):
            group.turn(length_s)
        group.finish()
        return {side.contender.name: side.result() for side in group.sides} | group.failed
    finally:
        for side in group.sides:
            side.close()
