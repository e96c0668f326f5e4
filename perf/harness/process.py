# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are measured from outside: started on one core, read while they run, and
always ended."""

import ctypes
import mmap
import os
import signal
import struct
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
CPUCLOCK_SCHED = 2

_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A run that must not be counted; the text says why."""


def cpu_ns(pid):
    """User and system time of all threads of a process, dead ones included, in nanoseconds."""
    return time.clock_gettime_ns(~pid << 3 | CPUCLOCK_SCHED)


_softirq_threads = {}


def _find_softirq_threads():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                name, _, core = file.read().strip().partition("/")
        except (OSError, UnicodeDecodeError):
            continue
        if name == "ksoftirqd":
            _softirq_threads[int(core)] = int(pid)


def softirq_ns():
    """CPU time of each core's ksoftirqd, where it can be seen: segments that were to be delivered and
    timers of connections, when there were too many to be dealt with on the spot."""
    if not _softirq_threads:
        _find_softirq_threads()
    return {core: cpu_ns(pid) for core, pid in _softirq_threads.items()}


def machine_busy_ns():
    """CPU time that all cores together have spent on anything, theft by the host included. The
    kernel samples it once a tick, so it is good for a few per cent."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, file.readline().split()[1:9])
    ticks = user + nice + system + irq + softirq + steal
    return ticks * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))


def rss_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise Failed("no VmRSS")


class Process:
    """A child on one core. Its output goes to files, so that it never waits for us."""

    def __init__(self, command, core, environment=None):
        self.command = command
        self.stdout = tempfile.TemporaryFile("w+")
        self.stderr = tempfile.TemporaryFile("w+")

        def prepare():
            os.setpgid(0, 0)  # with what it forks, so that all can be stopped
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            os.sched_setaffinity(0, {core})

        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.stdout, stderr=self.stderr,
            preexec_fn=prepare, env={**os.environ, **(environment or {})})
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.stdout.close()
        self.stderr.close()

    def pause(self):
        os.killpg(self.pid, signal.SIGSTOP)

    def go_on(self):
        os.killpg(self.pid, signal.SIGCONT)

    def alive(self):
        return self.child.poll() is None

    def pids(self):
        """Its own, and those of the children in which some servers work."""
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
            return [self.pid, *map(int, file.read().split())]

    def cpu_ns(self):
        return sum(map(cpu_ns, self.pids()))

    def read(self, file):
        file.seek(0)
        return file.read()

    def tail(self):
        """The end of what it said, for a message."""
        lines = (self.read(self.stderr).strip() or self.read(self.stdout).strip()).splitlines()
        return " | ".join(line[:200] for line in lines[-3:])

    def finish(self, timeout_s):
        """Wait for its end; anything but exit code 0 is a failure. Returns its stdout."""
        try:
            code = self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"did not end within {timeout_s:.0f} s: {self.tail()}") from None
        if code != 0:
            raise Failed(f"exit code {code}: {self.tail()}")
        return self.read(self.stdout)


class Server(Process):
    """rl_echo_server, whose counters are read through a file that it maps."""

    FIELDS = ("accepted", "closed", "resets", "messages", "bytes_in", "bytes_out", "wire_in",
              "wire_out", "handshakes", "errors", "turns")
    FORMAT = f"{len(FIELDS)}Q"

    def __init__(self, program, port, core, processes, seconds, spin, extra=()):
        self.port = port
        self.processes = processes
        self.file = tempfile.NamedTemporaryFile()
        super().__init__(
            [program, "--port", str(port), "--processes", str(processes),
             "--seconds", str(int(seconds)), "--stats", self.file.name]
            + ["--spin"] * spin + list(extra), core)
        self.map = None
        try:
            self.wait_until(lambda: self.mapped() and self.all_turn(), 5 + processes,
                            "the server to listen")
        except Failed:
            self.__exit__()
            raise

    def mapped(self):
        size = self.processes * 8 * len(self.FIELDS)
        if self.map is None and os.stat(self.file.name).st_size >= size:
            self.map = mmap.mmap(self.file.fileno(), size, prot=mmap.PROT_READ)
        return self.map is not None

    def all_turn(self):
        return all(values[-1] > 0 for values in struct.iter_unpack(self.FORMAT, self.map))

    def counters(self):
        rows = list(struct.iter_unpack(self.FORMAT, self.map))
        return {name: sum(row[i] for row in rows) for i, name in enumerate(self.FIELDS)}

    def wait_until(self, condition, timeout_s, what, also_alive=()):
        """Poll at 100 Hz: cheap beside what is measured, and not while it is measured."""
        end = time.monotonic() + timeout_s
        while not condition():
            for process in (self, *also_alive):
                if not process.alive():
                    raise Failed(f"ended early: {process.tail()}")
            if time.monotonic() > end:
                raise Failed(f"waited {timeout_s:.0f} s for {what}")
            time.sleep(0.01)

    def stop(self):
        """End it and return its last counters; errors of its own are a failure."""
        self.child.send_signal(signal.SIGTERM)
        self.finish(10)
        counters = self.counters()
        if counters["errors"] > 0:
            raise Failed(f"the server met {counters['errors']} errors: {self.tail()}")
        return counters

    def __exit__(self, *unused):
        super().__exit__()
        self.file.close()
