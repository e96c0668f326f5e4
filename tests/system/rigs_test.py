# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags that tune machine and sockets, seen from outside: by the peer, by ss, in /proc."""

import contextlib
import os
import pathlib
import re
import socket
import struct
import subprocess
import threading
import unittest

import harness

# Connects, says hello, and stays until the peer closes.
SCRIPT = """
local tcp = require("k6/x/tcp")
function default()
  local s <close> = tcp.Socket.new()
  s:connect(__ENV.PORT, __ENV.HOST or "127.0.0.1")
  s:write("hello")
  s:wait("close")
end
"""

PATHS = ("", "direct")  # direct descriptors, and ordinary ones
IP_PKTOPTIONS, IP_RECVTTL, IP_TTL, IP_RECVTOS, IP_TOS = 9, 12, 2, 13, 1


@contextlib.contextmanager
def connected(*flags, script=SCRIPT, host="127.0.0.1", without=""):
    """A VU's connection, as its peer has it: (socket, port of the listener)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = socket.create_server((host, harness.free_port()), family=family)
    with server:
        server.settimeout(30 * harness.SLOWDOWN)
        port = server.getsockname()[1]
        with harness.start(script, "--vus", "1", "--iterations", "1", "--workers", "1", *flags,
                           env={"PORT": port, "HOST": host},
                           system_env={"RINGLOAD_WITHOUT": without}) as running:
            try:
                peer = server.accept()[0]
            except TimeoutError:
                running.process.kill()
                raise AssertionError(f"nobody came: {running.finish()}") from None
            peer.settimeout(30 * harness.SLOWDOWN)
            with peer:
                assert harness.read_exactly(peer, 5) == b"hello"
                yield peer, port
            run = running.finish()
            assert run.code == 0, run


def ss(port):
    """What ss says of the VU's side."""
    result = subprocess.run([harness.program("ss"), "-Htnioem", "state", "established", f"dport = :{port}"],
                            capture_output=True, text=True, timeout=30, check=True)
    assert result.stdout, "ss does not see the connection"
    return result.stdout


class SocketOptions(unittest.TestCase):
    def each_path(self, *flags, **options):
        for without in PATHS:
            with self.subTest(without=without), \
                    connected(*flags, without=without, **options) as found:
                yield found

    def test_T_046_keepalive_by_default(self):
        for _, port in self.each_path():
            self.assertIn("timer:(keepalive", ss(port))

    def test_no_keepalive(self):
        for _, port in self.each_path("--sockopt", "keepalive=false"):
            self.assertNotIn("keepalive", ss(port))

    def test_congestion(self):
        for _, port in self.each_path("--sockopt", "congestion=reno"):
            self.assertRegex(ss(port), r"\breno\b")

    def test_buffers(self):
        """The kernel doubles both; that of receiving it may move, but not before there is data."""
        for _, port in self.each_path("--sockopt", "sndbuf=20KiB", "--sockopt", "rcvbuf=24KiB"):
            self.assertRegex(ss(port), r"rb49152,.*tb40960")

    def test_mss(self):
        for peer, _ in self.each_path("--sockopt", "mss=536"):
            mss = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
            self.assertLessEqual(mss, 536)

    def packet(self, peer):
        """TTL and TOS of the packets that the peer has got."""
        for option in (IP_RECVTTL, IP_RECVTOS):
            peer.setsockopt(socket.IPPROTO_IP, option, 1)
        data, found = peer.getsockopt(socket.IPPROTO_IP, IP_PKTOPTIONS, 256), {}
        while len(data) >= 16:
            size, _, kind = struct.unpack("NII", data[:16])
            found[kind] = data[16]
            data = data[(size + 7) // 8 * 8:]
        return found[IP_TTL], found[IP_TOS]

    def test_ttl_and_tos(self):
        for peer, _ in self.each_path("--sockopt", "ttl=9,tos=16"):
            self.assertEqual(self.packet(peer), (9, 16))

    def test_dscp(self):
        for peer, _ in self.each_path("--sockopt", "dscp=46"):
            self.assertEqual(self.packet(peer)[1], 184)

    def test_ipv6(self):
        """Those that IPv6 has in its own way do not keep a connection from being made."""
        for _, port in self.each_path("--sockopt", "ttl=9,dscp=46,congestion=reno", host="::1"):
            self.assertRegex(ss(port), r"\breno\b")

    def test_user_timeout(self):
        """A peer that does not read any more is given up."""
        script = """
            local tcp = require("k6/x/tcp")
            local gone = require("k6/metrics").Counter("gone")
            local block = string.rep("x", 1 << 20)
            function default()
              local s <close> = tcp.Socket.new()
              s:connect(__ENV.SERVE_PORT, __ENV.SERVE_HOST)
              for _ = 1, 64 do
                local ok, e = pcall(s.write, s, block)
                if not ok then
                  if e.code == "ETIMEDOUT" then gone:add(1) end
                  return
                end
              end
            end"""
        for without in PATHS:
            run = harness.run(script, "--serve", "never-read", "--vus", "1", "--iterations", "1",
                              "--sockopt", "user-timeout=300ms",
                              system_env={"RINGLOAD_WITHOUT": without})
            self.assertEqual(run.count("gone"), 1, run)

    def test_quickack_off_saves_a_segment(self):
        """The last ACK of the handshake waits for the first data. TCP_INFO's segs_in, of the peer's."""
        def fewest(*flags):
            counts = []
            for _ in range(8):
                with connected(*flags) as (peer, _):
                    info = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    counts.append(struct.unpack_from("I", info, 140)[0])
            return min(counts)

        self.assertLess(fewest("--sockopt", "quickack=false"), fewest())

    def test_options_of_the_script_and_the_environment(self):
        script = SCRIPT + "options = { sockopt = { congestion = 'reno', mss = 700, nodelay = false } }"
        with connected(script=script) as (peer, port):
            self.assertRegex(ss(port), r"\breno\b")
            self.assertLessEqual(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG), 700)
        run = harness.run(SCRIPT, system_env={"RINGLOAD_SOCKOPT": "mss=1"})
        self.assertEqual(run.code, 104, run)

    def test_wrong_ones_stop_the_run(self):
        for text, said in (("congestion=nope", "is not available; there are:"), ("x=1", "there is no"),
                           ("mss=7", "mss must be"),
                           ("sndbuf=1000MiB", "sysctl -w net.core.wmem_max=")):
            run = harness.run(SCRIPT, "--sockopt", text)
            self.assertEqual(run.code, 104, run)
            self.assertIn(said, run.errors)
        run = harness.run(SCRIPT, "--sockopt", "nodelay")  # no option at all: a wrong flag
        self.assertEqual(run.code, 255, run)
        self.assertIn("is not name=value", run.errors)


class Cpus(unittest.TestCase):
    STAY = "local k6 = require('k6') function default() k6.sleep(60) end"

    def workers(self, *flags, count):
        """Worker -> the CPUs it may run on, by /proc."""
        with harness.start(self.STAY, "--vus", "3", "--duration", "50s", *flags) as running:
            folder = pathlib.Path("/proc", str(running.process.pid), "task")

            def find():
                found = {}
                for task in folder.glob("*"):
                    with contextlib.suppress(OSError):
                        status = (task / "status").read_text(encoding="utf-8")
                        name = re.search(r"Name:\trl-worker-(\d+)", status)
                        if name:
                            found[int(name[1])] = self.cpus_of(task)
                return found if len(found) >= count else None

            found = harness.wait_until(find, "the workers are there", 30)
            # Only workers stay pinned: the main thread is where it was, once it has started them.
            harness.wait_until(lambda: self.cpus_of(folder / str(running.process.pid))
                               == self.cpus_of("/proc/self"), "the main thread is free", 30)
            running.signal(harness.signal.SIGINT)
            running.finish()
        return found

    @staticmethod
    def cpus_of(folder):
        status = pathlib.Path(folder, "status").read_text(encoding="utf-8")
        return re.search(r"Cpus_allowed_list:\t(.*)", status)[1]

    def test_worker_i_on_the_ith(self):
        usable = sorted(os.sched_getaffinity(0))
        first, last = usable[0], usable[-1]
        found = self.workers("--workers", "3", "--cpus", f"{last},{first}", count=3)
        self.assertEqual(found, {0: str(last), 1: str(first), 2: str(last)})

    def test_auto(self):
        usable = sorted(os.sched_getaffinity(0))
        found = self.workers("--workers", "2", "--cpus", "auto", count=2)
        self.assertEqual(found, {i: str(usable[i % len(usable)]) for i in range(2)})

    def test_anywhere_without(self):
        found = self.workers("--workers", "2", count=2)
        self.assertEqual(set(found.values()), {self.cpus_of("/proc/self")})

    def test_as_many_workers_as_cpus(self):
        cpu = min(os.sched_getaffinity(0))
        found = self.workers("--cpus", f"{cpu},{cpu},{cpu}", count=3)
        self.assertEqual(found, {i: str(cpu) for i in range(3)})

    def test_wrong_ones(self):
        unusable = next(i for i in range(1024) if i not in os.sched_getaffinity(0))
        for cpus, code, said in ((str(unusable), 104, f"CPU {unusable} is not one"),
                                 ("x", 255, "--cpus"), ("3-1", 255, "--cpus")):
            run = harness.run(self.STAY, "--cpus", cpus)
            self.assertEqual(run.code, code, run)
            self.assertIn(said, run.errors)


class Rings(unittest.TestCase):
    ECHO = harness.ROOT / "lua" / "examples" / "echo.lua"

    def test_a_run_with_each(self):
        for flags in (("--batch-wait", "100"), ("--napi-busy-poll", "20")):
            run = harness.run(SCRIPT.replace("__ENV.PORT", "__ENV.SERVE_PORT"), "--serve",
                              "fin-after-reply", "--vus", "50", "--iterations", "500", *flags)
            self.assertEqual(run.code, 0, run)
            self.assertEqual(run.count("iterations"), 500, run)
            self.assertEqual(run.count("tcp_errors"), 0, run)

    def test_batch_wait_does_not_hold_back_timers(self):
        """The least time to wait is much longer than the sleeps."""
        run = harness.run("local k6 = require('k6') function default() k6.sleep(0.01) end", "--vus",
                          "1", "--iterations", "50", "--batch-wait", "1000000")
        self.assertEqual(run.code, 0, run)
        self.assertLess(run.seconds, 10 * harness.SLOWDOWN, run)

    def test_refused_by_name(self):
        for flag, feature in (("--napi-busy-poll", "napi"), ("--batch-wait", "min_wait")):
            run = harness.run(SCRIPT, flag, "50", system_env={"RINGLOAD_WITHOUT": feature})
            self.assertEqual(run.code, 104, run)
            self.assertIn(f"{flag}: this kernel's io_uring has none", run.errors)


class HugePages(unittest.TestCase):
    SCRIPT = "function default() print(__ENV.GLIBC_TUNABLES) end"

    def test_transparent(self):
        """The program starts itself anew, and says at the end what it was given: a busy machine may
        have none to give."""
        enabled = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
        if not enabled.exists() or "[never]" in enabled.read_text(encoding="utf-8"):
            run = harness.run(self.SCRIPT, "--huge-pages", "transparent")
            self.assertEqual(run.code, 104, run)
            self.assertIn("echo madvise >", run.errors)
            return
        run = harness.run(self.SCRIPT, "--huge-pages", "transparent", "--vus", "2000",
                          "--iterations", "2000")
        self.assertEqual(run.code, 0, run)
        self.assertIn("glibc.malloc.hugetlb=1", run.errors)
        self.assertRegex(run.errors, r"huge pages: (\d+ of \d+ MiB|none) in use")

    def test_reserved(self):
        meminfo = pathlib.Path("/proc/meminfo").read_text(encoding="utf-8")
        free = re.search(r"HugePages_Free: +(\d+)", meminfo)
        run = harness.run(self.SCRIPT, "--huge-pages", "reserved", "--iterations", "1")
        if free and int(free[1]) > 0:
            self.assertEqual(run.code, 0, run)
            self.assertIn("glibc.malloc.hugetlb=2", run.errors)
        else:
            self.assertEqual(run.code, 104, run)
            self.assertIn("sysctl -w vm.nr_hugepages=", run.errors)

    def test_off(self):
        run = harness.run(self.SCRIPT, "--huge-pages", "off", "--iterations", "1")
        self.assertEqual(run.code, 0, run)
        self.assertNotIn("huge pages", run.errors)
        self.assertNotIn("hugetlb", run.errors)


if __name__ == "__main__":
    unittest.main()
