# SPDX-License-Identifier: GPL-3.0-or-later
"""`ringload serve`: what it does with connections, and that its counts are true."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

import harness


def dial(server):
    return socket.create_connection((server.host, server.port), timeout=10 * harness.SLOWDOWN)


def memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class Echo(unittest.TestCase):
    def test_every_size_comes_back_whole(self):
        sizes = [1, 2, 1000, 4096, 65535, 65536, 65537, 300_000, 1 << 20]
        with harness.serve("echo") as server:
            for size in sizes:
                data = os.urandom(size)
                with dial(server) as peer:
                    sender = threading.Thread(target=peer.sendall, args=(data,))
                    sender.start()
                    self.assertEqual(harness.read_exactly(peer, size), data)
                    sender.join()
        counts = server.counts
        self.assertEqual(counts["accepted"], len(sizes))
        self.assertEqual(counts["bytes_in"], sum(sizes))
        self.assertEqual(counts["bytes_out"], sum(sizes))
        self.assertEqual(counts["resets"], 0)
        self.assertEqual(counts["open"], 0)

    def test_half_closed_peer_gets_the_rest(self):
        data = os.urandom(1 << 20)
        with harness.serve("echo") as server, dial(server) as peer:
            threading.Thread(target=lambda: (peer.sendall(data),
                                             peer.shutdown(socket.SHUT_WR))).start()
            self.assertEqual(harness.read_all(peer), data)

    def test_a_thousand_connections(self):
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        with harness.serve("echo") as server, contextlib.ExitStack() as stack:
            peers = [stack.enter_context(dial(server)) for _ in range(1000)]
            for number, peer in enumerate(peers):
                peer.sendall(b"%06d" % number)
            for number, peer in enumerate(peers):
                self.assertEqual(harness.read_exactly(peer, 6), b"%06d" % number)
        counts = server.counts
        self.assertEqual(counts["accepted"], 1000)
        self.assertEqual(counts["closed"], 1000)
        self.assertEqual(counts["bytes_in"], 6000)
        self.assertEqual(counts["bytes_out"], 6000)
        self.assertEqual(counts["messages"], 1000)

    def test_resets_are_counted(self):
        with harness.serve("echo") as server:
            for number in range(40):
                peer = dial(server)
                peer.sendall(b"x")
                harness.read_exactly(peer, 1)
                if number % 4 == 0:
                    harness.reset(peer)
                else:
                    peer.close()
        self.assertEqual(server.counts["accepted"], 40)
        self.assertEqual(server.counts["resets"], 10)

    def test_a_peer_that_does_not_read_is_slowed_down(self):
        """What waits for it is bounded, and it gets all when it reads at last."""
        with harness.serve("echo", workers=1) as server, dial(server) as peer:
            before = memory_kib(server.process.pid)
            peer.settimeout(0.5)
            sent = 0
            with self.assertRaises(TimeoutError):
                while sent < 100 << 20:
                    sent += peer.send(bytes(1 << 16))
            took = memory_kib(server.process.pid) - before
            self.assertLess(took, (20 << 10) * harness.SLOWDOWN)  # sanitizers shadow memory
            peer.settimeout(10 * harness.SLOWDOWN)
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(len(harness.read_all(peer)), sent)
        self.assertEqual(server.counts["bytes_out"], sent)

    def test_ipv6(self):
        with harness.serve("echo", listen="[::1]:0") as server, dial(server) as peer:
            peer.sendall(b"six")
            self.assertEqual(harness.read_exactly(peer, 3), b"six")


class Http(unittest.TestCase):
    OK = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n")

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.server = self.stack.enter_context(harness.serve("http"))
        self.addCleanup(self.stack.close)

    def test_keep_alive(self):
        with dial(self.server) as peer:
            for _ in range(100):
                peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertEqual(harness.read_exactly(peer, len(self.OK)), self.OK)
        self.stack.close()
        self.assertEqual(self.server.counts["requests"], 100)
        self.assertEqual(self.server.counts["accepted"], 1)

    def test_pipelined(self):
        with dial(self.server) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
            self.assertEqual(harness.read_exactly(peer, 1000 * len(self.OK)), self.OK * 1000)

    def test_split_anywhere(self):
        request = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
        with dial(self.server) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(1, len(request)):
                peer.sendall(request[:at])
                time.sleep(0.001)
                peer.sendall(request[at:])
                self.assertEqual(harness.read_exactly(peer, len(self.OK)), self.OK)

    def test_connection_close(self):
        with dial(self.server) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            answer = harness.read_all(peer)
            self.assertIn(b"Connection: close\r\n", answer)
            self.assertTrue(answer.endswith(b"\r\n\r\nok\n"))

    def test_not_http(self):
        with dial(self.server) as peer:
            peer.sendall(b"\x16\x03\x01 hello\r\n\r\n")
            self.assertTrue(harness.read_all(peer).startswith(b"HTTP/1.1 400 "))


class SinkAndSource(unittest.TestCase):
    def test_sink_counts_every_byte(self):
        with harness.serve("sink") as server:
            for size in (1, 100, 1 << 20, 5 << 20):
                with dial(server) as peer:
                    peer.sendall(bytes(size))
        self.assertEqual(server.counts["bytes_in"], 1 + 100 + (6 << 20))
        self.assertEqual(server.counts["bytes_out"], 0)

    def test_source_keeps_up_with_its_reader(self):
        with harness.serve("source", workers=1) as server:
            with dial(server) as peer:
                total, begin = 0, time.monotonic()
                while time.monotonic() < begin + 1:
                    total += len(peer.recv(1 << 20))
                peer.shutdown(socket.SHUT_WR)
                total += len(harness.read_all(peer))
        self.assertGreater(total, 10 << 20)
        self.assertEqual(server.counts["bytes_out"], total)

    def test_source_waits_for_a_slow_reader(self):
        """What lies between the two stays bounded."""
        with harness.serve("source", workers=1) as server:
            with dial(server) as peer:
                time.sleep(1)
                memory = memory_kib(server.process.pid)
                time.sleep(1)
                self.assertLess(memory_kib(server.process.pid) - memory, 2048)
                harness.read_exactly(peer, 20 << 20)


class Manners(unittest.TestCase):
    """The peers that fault tests need do what they say."""

    def end_of(self, mode, say=b""):
        with harness.serve(mode, workers=1) as server:
            got, end = self.hear(server, say)
        return got, end, server.counts

    @staticmethod
    def hear(server, say):
        """What comes, and how it ends."""
        try:
            with dial(server) as peer:
                if say:
                    peer.sendall(say)
                peer.settimeout(1)
                return harness.read_all(peer), "FIN"
        except ConnectionResetError:  # connecting may hear of it, too
            return b"", "RST"
        except TimeoutError:
            return b"", "silence"

    def test_fin(self):
        self.assertEqual(self.end_of("fin")[:2], (b"", "FIN"))

    def test_fin_after_reply(self):
        self.assertEqual(self.end_of("fin-after-reply", b"hello")[:2], (b"hello", "FIN"))

    def test_rst(self):
        _, end, counts = self.end_of("rst", b"x")
        self.assertEqual(end, "RST")
        self.assertEqual((counts["aborted"], counts["resets"]), (1, 0))

    def test_rst_at_once(self):
        _, end, counts = self.end_of("rst-at-once")
        self.assertEqual(end, "RST")
        self.assertEqual(counts["aborted"], 1)

    def test_silent(self):
        _, end, counts = self.end_of("silent", b"hello")
        self.assertEqual(end, "silence")
        self.assertEqual((counts["bytes_in"], counts["bytes_out"]), (5, 0))

    def test_burst(self):
        with harness.serve("burst") as server, dial(server) as peer:
            self.assertEqual(harness.read_exactly(peer, 10000), bytes(10000))
        self.assertEqual(server.counts["bytes_out"], 10000)

    def test_never_read(self):
        with harness.serve("never-read", workers=1) as server, dial(server) as peer:
            peer.settimeout(0.5)
            sent = 0
            with self.assertRaises(TimeoutError):
                while sent < 64 << 20:
                    sent += peer.send(bytes(1 << 16))
        self.assertEqual(server.counts["accepted"], 1)
        self.assertEqual(server.counts["bytes_in"], 0)


class Command(unittest.TestCase):
    def serve(self, *args):
        return subprocess.run([harness.binary(), "serve", *args], capture_output=True, text=True,
                              timeout=20 * harness.SLOWDOWN, check=False)

    def test_time_is_kept(self):
        begin = time.monotonic()
        done = self.serve("echo", "--listen", "127.0.0.1:0", "--for", "300ms", "--stats")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], r"^listening on 127\.0\.0\.1:\d+$")
        self.assertTrue(lines[1].startswith('{"accepted": 0,'), lines)
        self.assertEqual(len(lines), 2)

    def test_signals_end_it(self):
        for sig in (signal.SIGINT, signal.SIGTERM):
            with harness.serve("echo") as server, dial(server) as peer:
                peer.sendall(b"x")
                harness.read_exactly(peer, 1)
                counts = server.stop(sig)
                self.assertEqual(counts["accepted"], 1)
                self.assertEqual(harness.read_all(peer), b"")

    def test_bad_requests(self):
        for args, named in ((("ech",), '"ech" is not a mode'),
                            (("echo", "--listen", "nowhere"), '"nowhere" is not IP:PORT'),
                            (("echo", "--listen", "192.0.2.1:1"), "192.0.2.1:1")):
            done = self.serve(*args)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(named, done.stderr.replace('\\"', '"'))
            self.assertEqual(done.stdout, "")

    def test_port_in_use(self):
        with harness.serve("echo") as server:
            done = self.serve("echo", "--listen", f"127.0.0.1:{server.port}")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("another program does", done.stderr)

    def test_file_limit_pauses_accepting(self):
        """Connections beyond the limit wait for their turn; the few that do not are counted."""
        program = [harness.binary(), "serve", "echo", "--listen", "127.0.0.1:0", "--for", "60s",
                   "--stats"]
        process = subprocess.Popen(["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *program],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(harness.stop, process, signal.SIGKILL)
        port = int(process.stdout.readline().rpartition(":")[2])
        peers = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(200)]
        served = sum(self.echoes(peer) for peer in peers)
        harness.stop(process)
        counts = json.loads(process.stdout.read())
        self.assertEqual(counts["accepted"], served)
        self.assertEqual(counts["accepted"] + counts["refused"], 200)
        self.assertLess(counts["refused"], 50)
        self.assertGreater(counts["pauses"], 0)

    @staticmethod
    def echoes(peer):
        peer.settimeout(10 * harness.SLOWDOWN)
        with peer:
            try:
                peer.sendall(b"x")
                return peer.recv(1) == b"x"
            except (ConnectionResetError, BrokenPipeError):
                return False


if __name__ == "__main__":
    unittest.main()
