# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run with very many connections needs of the machine: what is short, and the command that
mends it. Nothing is changed here."""

import os
import resource

SOCKET_BYTES = 5100   # of the kernel, one end of a connection with a receive armed
VU_BYTES = 3600       # of ringload
SERVER_BYTES = 150    # of rl_echo_server, a connection
LEAST_FREE = 3 << 30  # what other programs keep
TABLES = 64           # of a worker: each a ring, with as many sockets as files may be open
RING_BYTES = 320 << 10  # of locked memory, at most
PORTS_USED = 0.9      # of those in ip_local_port_range


def read(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except OSError:
        return []


def sysctl(name, field=0):
    fields = read("/proc/sys/" + name.replace(".", "/"))
    return int(fields[field]) if len(fields) > field else None


def meminfo(name):
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    return 0


class Shortage:
    """must: the run would fail; otherwise it may be slower, or lose connections under bursts."""

    def __init__(self, must, what, command):
        self.must, self.what, self.command = must, what, command

    def __str__(self):
        return f"{'short' if self.must else 'better'}: {self.what}\n    {self.command}"


def check_memory(vus):
    need = vus * (2 * SOCKET_BYTES + VU_BYTES + SERVER_BYTES) + LEAST_FREE
    free = meminfo("MemAvailable")
    if free < need:
        yield Shortage(True, f"memory: {need / 2**30:.1f} GiB wanted (of which {LEAST_FREE / 2**30:.0f} for "
                             f"others), {free / 2**30:.1f} GiB available",
                       f"--vus {int(max(0, free - LEAST_FREE) / (need - LEAST_FREE) * vus)}")
    pages = sysctl("net.ipv4.tcp_mem", 2)
    want = vus // 8  # a page is used by several idle sockets at most while they echo
    if pages is not None and pages < want:
        yield Shortage(True, f"net.ipv4.tcp_mem: {pages} pages at most, {want} wanted",
                       f"sysctl -w net.ipv4.tcp_mem='{want // 2} {want * 3 // 4} {want}'")


def check_network(vus, rate):
    backlog = sysctl("net.core.somaxconn")
    if backlog is not None and backlog < 4096:
        yield Shortage(False, f"net.core.somaxconn: {backlog}, a listener asks for 4096",
                       "sysctl -w net.core.somaxconn=65535")
    tracked, limit = (sysctl(f"net.netfilter.nf_conntrack_{name}") for name in ("count", "max"))
    if tracked and limit is not None and limit < 2 * vus:
        yield Shortage(True, f"connections are tracked, and nf_conntrack_max is {limit}",
                       f"sysctl -w net.netfilter.nf_conntrack_max={4 * vus}")
    low, high = (sysctl("net.ipv4.ip_local_port_range", i) for i in (0, 1))
    if low is not None and (high - low) * PORTS_USED * ((1 << 24) - 2) < vus:
        yield Shortage(True, f"net.ipv4.ip_local_port_range: {low} {high}",
                       "sysctl -w net.ipv4.ip_local_port_range='1024 65535'")
    held = sysctl("net.core.netdev_max_backlog")
    if held is not None and held < 1000:
        yield Shortage(False, f"net.core.netdev_max_backlog: {held}, for {rate} connects a second",
                       "sysctl -w net.core.netdev_max_backlog=30000")
    buckets = sysctl("net.ipv4.tcp_ehash_entries")
    if buckets is not None and abs(buckets) < vus:
        yield Shortage(False, f"net.ipv4.tcp_ehash_entries: {abs(buckets)} buckets for {2 * vus} sockets: "
                              "each connect gets slower as they fill",
                       "boot with thash_entries=4194304, or use --apply, which has a network of its own")


def check_files(vus, workers):
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    want = max(1024, -(-vus // (workers * TABLES)))
    if files < want:
        yield Shortage(True, f"open files: {files}, {want} wanted", f"ulimit -Hn {want}")
    locked = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    rings = workers * -(-vus // (workers * files))
    if os.geteuid() != 0 and locked != resource.RLIM_INFINITY and locked < rings * RING_BYTES:
        yield Shortage(True, f"locked memory: {locked // 1024} KiB, {rings * RING_BYTES // 1024} wanted by "
                             f"{rings} rings", "ulimit -l unlimited")
    if sysctl("kernel.io_uring_disabled") not in (None, 0):
        yield Shortage(True, "kernel.io_uring_disabled is set", "sysctl -w kernel.io_uring_disabled=0")


def check(vus, workers, rate):
    return [*check_memory(vus), *check_network(vus, rate), *check_files(vus, workers)]
