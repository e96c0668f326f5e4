# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is measured: how each is started for a load, and what must hold once it has ended."""

import json
import os
import tempfile

from .process import Failed, Process

TLS_SLACK = 4096


class Load:
    """mode, connections, and how they are spread. tls: the certificates, None without TLS."""

    def __init__(self, mode, connections, size=64, addresses=1, shares=1, tls=None, intervals=False):
        self.mode = mode
        self.connections = connections
        self.size = size
        self.addresses = addresses
        self.shares = shares  # processes of a baseline
        self.tls = tls
        self.intervals = intervals  # the value is the median time between messages
        self.protocol = mode in ("http", "redis")  # against a real server

    def cycles(self):
        """Whether connections end and begin all the time."""
        return self.mode in ("connect", "handshake")

    def split(self):
        """Connections of each share, the remainder to the first ones."""
        base, more = divmod(self.connections, self.shares)
        return [base + (i < more) for i in range(self.shares)]


class Contender:
    """A program, and the loads that it can make: with TLS, without, or both."""

    resets = False  # whether its way to end a connection is RST
    stoppable = True  # it bears that its server is stopped for a while
    starts_last = False  # its run is as long as it was told to be, whatever happens meanwhile
    server_arguments = ()  # what the server must do otherwise for it

    def __init__(self, name, program, plain=True, tls=True):
        self.name = name
        self.program = program
        self.plain = plain
        self.tls = tls

    optional = False  # where it is not installed, the rows say so, and the others are measured

    def does(self, load):
        if load.protocol:
            return self.name == "io_uring" or isinstance(self, Ringload)
        if load.mode == "pause":
            return isinstance(self, Ringload)
        return self.tls if load.tls is not None else self.plain


class Baseline(Contender):
    """One of the C clients. It drains before it ends, so all counts must be equal."""

    slowest_rate = 10000  # connects a second

    # Its window opens a second after the last connect and is its own affair; ours must fit. Of several
    # processes the first has connected long before the last.
    def start(self, load, port, core, window_s):
        window_s += load.connections / self.slowest_rate if load.shares > 1 else 0
        self.processes = []
        for i, connections in enumerate(load.split()):
            self.processes.append(Process(
                [self.program, "--host", "127.0.0.1", "--port", str(port),
                 "--connections", str(connections), "--size", str(load.size),
                 "--duration", str(window_s + 1.0), "--mode", load.mode,
                 "--addresses", str(load.addresses), "--slice", f"{i}/{load.shares}"]
                + (["--tls", load.tls.ca] if load.tls is not None else []), core))
        return self.processes

    def finish(self):
        self.results = [json.loads(process.finish(60)) for process in self.processes]

    def check(self, load, server):
        errors = sum(result["errors"] for result in self.results)
        sent = sum(result["bytes_sent"] for result in self.results)
        received = sum(result["bytes_received"] for result in self.results)
        if errors > 0:
            raise Failed(f"{errors} errors")
        if not sent == received == server["bytes_in"] == server["bytes_out"]:
            raise Failed(f"bytes differ: sent {sent}, server in {server['bytes_in']}, "
                         f"server out {server['bytes_out']}, received {received}")
        if server["resets"] > 0:
            raise Failed(f"{server['resets']} connections ended with RST")
        total = sum(result["total"] for result in self.results)
        if load.cycles() and not total == server["accepted"] == server["closed"]:
            raise Failed(f"connections differ: {total} cycles, {server['accepted']} accepted, "
                         f"{server['closed']} closed")
        if load.tls is not None and server["handshakes"] != server["accepted"]:
            raise Failed(f"{server['accepted']} connections, but {server['handshakes']} handshakes")


class Ringload(Contender):
    """The program itself. The end of the run cuts its connections, so what was under way then
    may differ: one message a VU, no more."""

    starts_last = True

    def __init__(self, name, program, scenarios, workers, connect_rate, flags=()):
        super().__init__(name, program)
        self.flags = flags
        self.scenarios = scenarios
        self.workers = workers
        self.connect_rate = connect_rate

    def start(self, load, port, core, window_s):
        duration = 3.0 + window_s + load.connections / self.connect_rate
        if load.cycles():
            duration = 3.0 + window_s
        if load.tls is not None:  # handshakes come before the window
            duration += 2.0 + load.connections / self.connect_rate
        self.export = tempfile.NamedTemporaryFile("r", suffix=".json")
        values = {"HOST": "127.0.0.1", "PORT": port, "VUS": load.connections,
                  "DURATION": f"{duration:.0f}s", "SIZE": load.size, "ADDRESSES": load.addresses}
        command = [self.program, "run", "--quiet", "--workers", str(self.workers),
                   "--summary-export", self.export.name, *self.flags]
        if load.protocol:
            values.update(KEY="key:__rand_int__", VALUE="xxx")
        environment = {}
        if load.tls is not None:
            values["TLS"] = "yes"
            environment["SSL_CERT_FILE"] = load.tls.ca
        for name, value in values.items():
            command += ["-e", f"{name}={value}"]
        self.process = Process(
            command + [os.path.join(self.scenarios, load.mode + ".lua")], core, environment)
        return [self.process]

    def finish(self):
        self.process.finish(180)
        stderr = self.process.read(self.process.stderr)
        if "level=error" in stderr or "level=fatal" in stderr:
            raise Failed(f"it logged errors: {self.process.tail()}")
        exported = json.loads(self.export.read())
        self.metrics, self.turns = exported["metrics"], exported.get("worker_turns", {})
        self.export.close()

    def count(self, metric):
        return self.metrics.get(metric, {}).get("count", 0)

    def check(self, load, server):
        vus, slack = load.connections, load.connections * load.size
        if load.tls is not None:  # a handshake or the frame of a record
            slack += vus * TLS_SLACK
        if self.count("tcp_errors") > 0:
            raise Failed(f"{self.count('tcp_errors')} tcp_errors")
        opened = self.count("tcp_sockets")
        unheard = vus if self.flags else 0  # without quickack the server may not know of one when the run ends
        if not opened - unheard <= server["accepted"] <= opened + vus:
            raise Failed(f"{opened} tcp_sockets, but {server['accepted']} accepted")
        sent, received = self.count("data_sent"), self.count("data_received")
        if not server["wire_in"] <= sent <= server["wire_in"] + slack:
            raise Failed(f"{sent} bytes sent, but the server got {server['wire_in']}")
        if not received <= server["wire_out"] <= received + slack:
            raise Failed(f"{received} bytes received, but the server sent {server['wire_out']}")
        if not load.cycles() and opened != vus:
            raise Failed(f"{opened} connections instead of {vus}")
