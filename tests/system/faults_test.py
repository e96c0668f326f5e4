# SPDX-License-Identifier: GPL-3.0-or-later
"""What networks and machines do to a run: it goes on, counts it by cause, and ends as it should."""

import contextlib
import errno
import os
import signal
import socket
import tempfile
import threading
import time
import unittest

import harness

# Counts errors by method and code in metrics of its own; ends each iteration at close or failure.
SCRIPT = """
local tcp = require("k6/x/tcp")
local k6 = require("k6")
local metrics = require("k6/metrics")
local seen = {}
for _, code in ipairs{"ECONNREFUSED", "ECONNRESET", "EPIPE", "EMFILE", "EADDRNOTAVAIL", "ETIMEDOUT",
                      "ENOTFOUND", "EBLOCKED", "ENOTCONN", "OTHER"} do
  for _, method in ipairs{"connect", "read", "write"} do
    seen[method .. code] = metrics.Counter(method .. "_" .. code)
  end
end
local closed = metrics.Counter("closed")

local function count(e)
  local counter = seen[e.method .. tostring(e.code)] or seen[e.method .. "OTHER"]
  counter:add(1)
end

function default()
  local s = tcp.Socket.new()
  local say = __ENV.SAY
  s:on("error", count)
  s:on("close", function() closed:add(1) end)
  s:on("data", function() end)
  local ok = pcall(s.connect, s, tonumber(__ENV.PORT), __ENV.HOST or "127.0.0.1")
  if not ok then
    k6.sleep(tonumber(__ENV.PAUSE or "0"))
    return
  end
  if say then pcall(s.write, s, say) end
  if __ENV.HOLD then k6.sleep(tonumber(__ENV.HOLD)) s:destroy() end
  s:wait("close")
end
"""

WRITER = """
local tcp = require("k6/x/tcp")
local metrics = require("k6/metrics")
local failed = metrics.Counter("write_failed")
local block = string.rep("x", 1 << 20)

function default()
  local s = tcp.Socket.new()
  s:connect(tonumber(__ENV.PORT), "127.0.0.1")
  for i = 1, 64 do
    if not pcall(s.write, s, block) then failed:add(1) break end
  end
  s:destroy()
end
"""


def flags(vus, iterations):
    return "--vus", str(vus), "--iterations", str(iterations)


class Peers(unittest.TestCase):
    """Faults of the other side."""

    def run_against(self, mode, iterations=200, **env):
        with harness.serve(mode) as server:
            run = harness.run(SCRIPT, *flags(20, iterations), env={"PORT": server.port, **env})
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("iterations"), iterations, run)
        return run, server.counts

    def test_refused(self):
        run = harness.run(SCRIPT, *flags(10, 100), env={"PORT": harness.free_port()})
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("iterations"), 100, run)
        self.assertEqual(run.count("connect_ECONNREFUSED"), 100, run)
        self.assertEqual(run.count("tcp_errors"), 100)
        self.assertEqual(run.count("tcp_sockets"), 0)
        self.assertEqual(run.count("closed"), 0)  # T-024
        self.assertIn("connection refused", run.errors)

    def test_reset_at_the_first_byte(self):
        run, counts = self.run_against("rst", SAY="x")
        self.assertEqual(run.count("read_ECONNRESET"), 200, run)
        self.assertEqual(run.count("closed"), 200)
        self.assertEqual(run.count("tcp_errors"), 200)
        self.assertEqual(counts["aborted"], 200)
        self.assertIn("connection reset by peer", run.errors)

    def test_reset_at_once(self):
        """The reset may come before connecting is over, too: then it is a failure of that."""
        run, counts = self.run_against("rst-at-once")
        self.assertEqual(run.count("read_ECONNRESET") + run.count("connect_ECONNRESET"), 200, run)
        self.assertEqual(counts["aborted"], 200)

    def test_fin_at_once(self):
        """T-025: close, and no error."""
        run, counts = self.run_against("fin")
        self.assertEqual(run.count("closed"), 200, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertEqual(counts["accepted"], 200)

    def test_fin_after_a_reply(self):
        """T-154: all data, then close."""
        run, counts = self.run_against("fin-after-reply", SAY="hello")
        self.assertEqual(run.count("closed"), 200, run)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertEqual(run.count("data_received"), 1000, run)
        self.assertEqual(counts["bytes_out"], 1000)

    def test_burst_before_anything_was_said(self):
        run, counts = self.run_against("burst", iterations=20, HOLD="0.2")
        self.assertEqual(run.count("data_received"), 20 * 10000, run)
        self.assertEqual(counts["bytes_out"], 20 * 10000)

    def test_silent_peer(self):
        """Nothing ever comes: the run ends in its own time, the iterations are interrupted."""
        with harness.serve("silent") as server:
            run = harness.run(SCRIPT + "options = { scenarios = { s = { executor = 'constant-vus', "
                                       "vus = 10, duration = '1s', gracefulStop = '0s' } } }",
                              env={"PORT": server.port, "SAY": "hello"})
        self.assertEqual(run.code, 0, run)
        self.assertLess(run.seconds, 6 * harness.SLOWDOWN)
        self.assertEqual(run.count("iterations"), 0, run)
        self.assertEqual(run.count("tcp_sockets"), 10)
        self.assertEqual(server.counts["accepted"], 10)
        self.assertEqual(server.counts["bytes_in"], 50)

    def test_peer_that_never_reads(self):
        """A write that can never end is interrupted like any other call that waits."""
        with harness.serve("never-read", workers=1) as server:
            run = harness.run(WRITER + "options = { scenarios = { s = { executor = 'constant-vus', "
                                       "vus = 5, duration = '1s', gracefulStop = '0s' } } }",
                              env={"PORT": server.port})
        self.assertEqual(run.code, 0, run)
        self.assertLess(run.seconds, 6 * harness.SLOWDOWN)
        self.assertEqual(run.count("iterations"), 0, run)
        self.assertEqual(run.count("write_failed"), 0, run)
        self.assertGreater(run.count("data_sent"), 0, run)
        self.assertEqual(server.counts["accepted"], 5)

    def test_fin_in_the_middle_of_a_write(self):
        """The peer reads a little, then closes with the rest unread: the kernel makes that RST."""
        with self.listener(self.read_a_little) as port:
            run = harness.run(WRITER, *flags(2, 6), env={"PORT": port})
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("iterations"), 6, run)
        self.assertEqual(run.count("write_failed"), 6, run)
        self.assertGreaterEqual(run.count("tcp_errors"), 6)

    @staticmethod
    def read_a_little(connection):
        connection.recv(1000)
        time.sleep(0.05)
        connection.close()

    @contextlib.contextmanager
    def listener(self, serve, in_turn=False):
        """A server of the test's own: serve(connection) in a thread for each, or in_turn."""
        with harness.listen() as server:
            def accept():
                while True:
                    try:
                        connection = server.accept()[0]
                    except OSError:
                        return
                    if in_turn:
                        serve(connection)
                    else:
                        threading.Thread(target=serve, args=(connection,), daemon=True).start()

            thread = threading.Thread(target=accept, daemon=True)
            thread.start()
            yield server.getsockname()[1]
            server.shutdown(socket.SHUT_RDWR)
            thread.join()

    def test_data_then_reset_at_once(self):
        """The reset may be there before the socket is read from for the first time: the data comes,
        and then the reset, and no VU waits for ever."""
        def hello_and_away(connection):
            connection.send(b"hello")
            harness.reset(connection)

        with self.listener(hello_and_away, in_turn=True) as port:
            run = harness.run(SCRIPT + "options = { scenarios = { s = { executor = "
                                       "'shared-iterations', vus = 50, iterations = 1000, "
                                       "maxDuration = '15s', gracefulStop = '0s' } } }",
                              env={"PORT": port})
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("iterations"), 1000, run)
        self.assertEqual(run.count("read_ECONNRESET") + run.count("connect_ECONNRESET"), 1000, run)
        self.assertEqual(run.count("closed"), run.count("tcp_sockets"), run)

    def test_server_killed(self):
        """What was open breaks, what comes later is refused; the run goes on to its end."""
        with harness.serve("echo") as server:
            with harness.start(SCRIPT, "--vus", "20", "--duration", "4s",
                               env={"PORT": server.port, "SAY": "x", "HOLD": "0.01",
                                    "PAUSE": "0.01"}) as running:
                time.sleep(2)
                server.kill()
                run = running.finish()
        self.assertEqual(run.code, 0, run)
        self.assertGreaterEqual(run.seconds, 4)
        self.assertGreater(run.count("tcp_sockets"), 20, run)
        self.assertGreater(run.count("connect_ECONNREFUSED"), 20, run)

    def test_backlog_full(self):
        """Connecting hangs: interrupted like the rest, no sample, no error (T-186)."""
        with harness.listen(backlog=0) as server:
            port = server.getsockname()[1]
            fill = [socket.socket() for _ in range(8)]
            for peer in fill:
                peer.setblocking(False)
                peer.connect_ex(("127.0.0.1", port))
            time.sleep(0.2)
            run = harness.run(SCRIPT + "options = { scenarios = { s = { executor = 'constant-vus', "
                                       "vus = 5, duration = '1s', gracefulStop = '0s' } } }",
                              env={"PORT": port})
            for peer in fill:
                peer.close()
        self.assertEqual(run.code, 0, run)
        self.assertLess(run.seconds, 6 * harness.SLOWDOWN)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertEqual(run.count("tcp_sockets"), 0, run)


class Names(unittest.TestCase):
    """Name resolution, from the outside (T-050 ... T-060)."""

    def run_to(self, host, options="", port=None, iterations=4):
        with harness.serve("echo") as server:
            run = harness.run(SCRIPT + options.replace("PORT", str(server.port)),
                              *flags(2, iterations),
                              env={"PORT": port or server.port, "HOST": host, "SAY": "x",
                                   "HOLD": "0.01"})
        self.assertEqual(run.count("iterations"), iterations, run)
        return run, server.counts

    def test_localhost(self):
        run, counts = self.run_to("localhost")
        self.assertEqual(counts["accepted"], 4, run)

    def test_no_such_host(self):
        run, _ = self.run_to("no-such-host.invalid")
        self.assertEqual(run.count("connect_ENOTFOUND"), 4, run)
        self.assertIn("lookup no-such-host.invalid: no such host", run.errors)

    def test_hosts_remap_address_and_port(self):
        run, counts = self.run_to(
            "db.test", "options = { hosts = { ['*.test'] = '127.0.0.1:PORT' } }", port=1)
        self.assertEqual(counts["accepted"], 4, run)

    def test_blocked(self):
        run, counts = self.run_to("db.test",
                                  "options = { hosts = { ['db.test'] = '127.0.0.1:PORT' }, "
                                  "blockHostnames = { '*.test' } }")
        self.assertEqual(run.count("connect_EBLOCKED"), 4, run)
        self.assertEqual(counts["accepted"], 0)
        self.assertIn("hostname (db.test) is in a blocked pattern", run.errors)

    def test_blacklisted(self):
        run, counts = self.run_to("localhost", "options = { blacklistIPs = { '127.0.0.0/8' } }")
        self.assertEqual(run.count("connect_EBLOCKED"), 4, run)
        self.assertEqual(counts["accepted"], 0)
        self.assertIn("IP (127.0.0.1) is in a blacklisted range (127.0.0.0/8)", run.errors)

    def test_malformed_options_stop_the_run(self):
        for options, named in (("hosts = { ['a b'] = '127.0.0.1' }", ("hosts", '"a b"')),
                               ("hosts = { ['a.test'] = 'b.test' }",
                                ("hosts", '"a.test"', '"b.test"')),
                               ("blacklistIPs = { '10.0.0.0/99' }",
                                ("blacklistIPs", '"10.0.0.0/99"')),
                               ("blockHostnames = { 'a:80' }", ("blockHostnames", '"a:80"'))):
            run = harness.run(SCRIPT + "options = { " + options + " }", *flags(1, 1))
            self.assertEqual(run.code, 104, run)
            for word in named:
                self.assertIn(word, run.errors.replace('\\"', '"'))

    def test_local_ips(self):
        """T-059: VU n connects from address number (n - 1) modulo their count."""
        sources = []
        with harness.listen() as server:
            def accept():
                for _ in range(6):
                    connection, peer = server.accept()
                    sources.append(peer[0])
                    connection.close()

            thread = threading.Thread(target=accept)
            thread.start()
            run = harness.run(
                SCRIPT + "options = { scenarios = { s = { executor = 'per-vu-iterations', vus = 6, "
                         "iterations = 1 } } }",
                "--local-ips", "127.0.0.10,127.0.0.20-127.0.0.21",
                env={"PORT": server.getsockname()[1]})
            thread.join()
        self.assertEqual(run.code, 0, run)
        self.assertEqual(sorted(sources), ["127.0.0.10"] * 2 + ["127.0.0.20"] * 2
                         + ["127.0.0.21"] * 2)

    def test_etc_hosts(self):
        """T-060, in a private view of the file system."""
        with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts:
            hosts.write("127.0.0.1 only-here.test\n")
            hosts.flush()
            os.chmod(hosts.name, 0o644)
            before = [harness.program("unshare"), "-m" if os.geteuid() == 0 else "-rm", "sh", "-c",
                      f'set -e; mount --bind {hosts.name} /etc/hosts; exec "$@"', "sh"]
            with harness.serve("echo") as server:
                run = harness.run(SCRIPT, *flags(1, 1), before=before,
                                  env={"PORT": server.port, "HOST": "only-here.test",
                                       "HOLD": "0.01"})
        self.assertEqual(server.counts["accepted"], 1, run)


class Limits(unittest.TestCase):
    """Files, ports and io_uring itself run out."""

    def crowd_under(self, limit, **system_env):
        """600 VUs that connect, echo and close, with so many files."""
        with harness.serve("echo") as server:
            run = harness.run(SCRIPT, "--vus", "600", "--duration", "2s", "--workers", "1",
                              env={"PORT": server.port, "SAY": "x", "HOLD": "0.5", "PAUSE": "0.2"},
                              before=harness.with_file_limit(limit), system_env=system_env)
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("tcp_errors"), run.count("connect_EMFILE"), run)
        self.assertEqual(run.count("tcp_sockets"), server.counts["accepted"], run)
        return run

    def test_file_limit(self):
        """Each further ring is a file of the process: there are none for the last of them."""
        run = self.crowd_under(24)
        self.assertGreater(run.count("connect_EMFILE"), 0, run)
        self.assertGreater(run.count("tcp_sockets"), 50, run)
        told = [line for line in run.errors.splitlines() if "too many open files" in line]
        self.assertGreater(len(told), 0, run)
        self.assertLess(len(told), 20, run)
        self.assertEqual(run.errors.count("sockets on this thread"), 1, run)
        self.assertEqual(run.errors.count("see 'ringload doctor"), 1, run)

    def test_more_sockets_than_the_file_limit(self):
        """A worker's further rings have a table each."""
        run = self.crowd_under(128)
        self.assertEqual(run.count("tcp_errors"), 0, run)
        self.assertGreaterEqual(run.count("tcp_sockets"), 600, run)
        self.assertEqual(run.errors, "", run)

    def test_file_limit_with_ordinary_descriptors(self):
        run = self.crowd_under(128, RINGLOAD_WITHOUT="direct")
        self.assertGreater(run.count("connect_EMFILE"), 0, run)
        self.assertGreater(run.count("tcp_sockets"), 50, run)

    def test_source_ports_exhausted(self):
        """50 ports to one destination: the 51st connection fails, the run goes on, and a port that
        was given back is used again."""
        before = harness.in_namespace(
            'sysctl -qw net.ipv4.ip_local_port_range="20000 20050"')
        for without in ("", "port_range", "direct"):
            with self.subTest(without=without):
                run = harness.run(
                    SCRIPT.replace("__ENV.PORT", "__ENV.SERVE_PORT"),
                    "--serve", "sink", "--vus", "100", "--duration", "2s", "--workers", "1",
                    env={"HOLD": "2.5", "PAUSE": "0.2"}, before=before,
                    system_env={"RINGLOAD_WITHOUT": without})
                self.assertEqual(run.code, 0, run)
                self.assertGreater(run.count("connect_EADDRNOTAVAIL"), 0, run)
                self.assertGreaterEqual(run.count("tcp_sockets"), 49, run)
                self.assertLessEqual(run.count("tcp_sockets"), 51, run)
                self.assertEqual(run.count("tcp_errors"), run.count("connect_EADDRNOTAVAIL"), run)
                told = [line for line in run.errors.splitlines() if "out of source ports" in line]
                self.assertGreater(len(told), 0, run)
                self.assertLess(len(told), 20, run)

    def test_no_io_uring(self):
        for error, hint in ((errno.EPERM, "seccomp"), (errno.ENOSYS, "kernel")):
            run = harness.run(SCRIPT, *flags(1, 1), env={"PORT": 1},
                              preexec=harness.refuse_io_uring(error))
            self.assertEqual(run.code, 255, run)
            lines = [line for line in run.errors.splitlines() if "io_uring" in line]
            self.assertEqual(len(lines), 1, run)
            self.assertIn(hint, lines[0])
            self.assertIsNone(run.summary)


class Rings(unittest.TestCase):
    """What a ring is made of runs out: locked memory, receive buffers, room for completions."""

    ECHO = """
        local tcp = require("k6/x/tcp")
        local k6 = require("k6")
        function default()
          local s <close> = tcp.Socket.new()
          s:connect(__ENV.PORT, "127.0.0.1")
          s:write("hello")
          local ok, data = s:wait("data", 30000)
          k6.check(data, { ["came back"] = function(d) return d == "hello" end })
          k6.sleep(tonumber(__ENV.HOLD or "0"))
        end"""

    def locked(self, kib, vus=10, files=1024, hold=0):
        """In a user namespace, where nobody may lock more."""
        with harness.serve("echo") as server:
            return harness.run(self.ECHO, *flags(vus, 100), "--workers", "1",
                               env={"PORT": server.port, "HOLD": hold},
                               before=[harness.program("unshare"), "-r", "sh", "-c",
                                       f'ulimit -l {kib}; ulimit -n {files}; exec "$@"', "sh"])

    def test_locked_memory_for_a_smaller_ring(self):
        """Between what a ring of 512 and one of 1024 entries wants: told, and it works."""
        for kib in range(340, 140, -20):
            run = self.locked(kib)
            if run.code == 0 and "smaller than it should be" in run.errors:
                self.assertEqual(run.metric("checks").get("passes"), 100, run)
                self.assertIn("ulimit -l unlimited", run.errors)
                return
        self.fail(f"no limit gave a smaller ring: {run}")

    def test_locked_memory_for_smaller_further_rings(self):
        """Three of them where two of full size fit: told once, and all sockets work."""
        for kib in 4 * tuple(range(660, 560, -20)):
            time.sleep(0.5)  # the kernel takes a while to forget the rings of a process that has ended
            run = self.locked(kib, vus=100, files=32, hold=0.3)
            if run.errors.count("smaller than it should be") == 1:
                self.assertEqual(run.metric("checks").get("passes"), 100, run)
                self.assertEqual(run.count("tcp_errors"), 0, run)
                return
        self.fail(f"no limit gave smaller rings: {run}")

    def test_locked_memory_for_no_ring(self):
        run = self.locked(16)
        self.assertEqual(run.code, 255, run)
        self.assertIn("ulimit -l unlimited", run.errors)
        self.assertIsNone(run.summary)

    def test_completions(self):
        """Many more than the queue holds: told once, and no answer overtakes what is known of its write."""
        for without in ("", "send_skip", "defer", "direct", "buf_ring"):
            with self.subTest(without=without), harness.serve("echo") as server:
                run = harness.run(self.ECHO, *flags(300, 1500), "--workers", "1",
                                  env={"PORT": server.port},
                                  system_env={"RINGLOAD_CQ": "4", "RINGLOAD_WITHOUT": without})
                self.assertEqual(run.code, 0, run)
                self.assertEqual(run.metric("checks").get("passes"), 1500, run)
                self.assertEqual(run.count("tcp_errors"), 0, run)
                told = [line for line in run.errors.splitlines() if "CQ is too small" in line]
                self.assertEqual(len(told), 1, run)
        self.assertEqual(server.counts["bytes_in"], 7500)

    READER = """
        local tcp = require("k6/x/tcp")
        local k6 = require("k6")
        function default()
          local s <close> = tcp.Socket.new()
          local got = 0
          s:on("data", function(d)
            got = got + #d
            if got == #d then -- the first: let the others' pile up meanwhile
              local till = os.clock() + 0.02
              while os.clock() < till do end
            end
          end)
          s:connect(__ENV.PORT, "127.0.0.1")
          s:wait("close")
          k6.check(got, { ["all of it"] = function(n) return n == tonumber(__ENV.SIZE) end })
        end"""

    def test_receive_buffers(self):
        """More than the ring's buffers hold, all at once: counted, told once, nothing lost."""
        size, block = 1 << 20, b"x" * (1 << 20)

        def send(connection):
            with contextlib.suppress(OSError), connection:
                connection.sendall(block)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)

        for without in ("", "buf_inc", "direct"):
            with self.subTest(without=without), Peers.listener(self, send) as port:
                run = harness.run(self.READER, *flags(60, 60), "--workers", "1",
                                  env={"PORT": port, "SIZE": size},
                                  system_env={"RINGLOAD_WITHOUT": without})
                self.assertEqual(run.code, 0, run)
                self.assertEqual(run.metric("checks").get("passes"), 60, run)
                self.assertEqual(run.count("data_received"), 60 * size, run)
                self.assertEqual(run.count("tcp_errors"), 0, run)
                told = [line for line in run.errors.splitlines() if "receive buffers" in line]
                self.assertEqual(len(told), 1, run)


class Memory(unittest.TestCase):
    HOARD = """
        local small = require("k6/metrics").Counter("small")
        local exec = require("k6/execution")
        function default()
          if exec.scenario.iterationInTest % 2 == 0 then
            small:add(1)
            return
          end
          local hoard = {}
          for i = 1, 1000000 do hoard[i] = ("x"):rep(1000) .. i end
        end"""

    def test_a_lua_state_is_full(self):
        """Each iteration that asks for too much ends with an error; the others go on."""
        run = harness.run(self.HOARD, *flags(4, 20), "--workers", "1", "--cell-memory", "8MiB")
        self.assertEqual(run.code, 0, run)
        self.assertEqual(run.count("iterations"), 20, run)
        self.assertEqual(run.count("small"), 10, run)
        self.assertIn("hold more than 8MiB of memory (--cell-memory)", run.errors)

    def test_address_space(self):
        """No memory for so many VUs: the run does not begin, and says why. Not under sanitizers, whose
        shadow alone is larger than any limit."""
        if harness.SLOWDOWN > 1:
            return
        run = harness.run("function default() end", *flags(1000000, 1000000), "--workers", "1",
                          before=["sh", "-c", 'ulimit -v 400000; exec "$@"', "sh"])
        self.assertIn(run.code, (107, 255), run)
        self.assertIn("memory", run.errors)
        self.assertIsNone(run.summary)


class Signals(unittest.TestCase):
    """E-647."""

    def interrupted(self, *signals, script=SCRIPT):
        with harness.serve("silent") as server:
            with harness.start(script, "--vus", "10", "--duration", "1m",
                               env={"PORT": server.port}) as running:
                time.sleep(1.5 * harness.SLOWDOWN)
                begin = time.monotonic()
                for sig in signals:
                    running.signal(sig)
                    time.sleep(0.3)
                run = running.finish()
        return run, time.monotonic() - begin

    def test_once(self):
        for sig in (signal.SIGINT, signal.SIGTERM):
            run, took = self.interrupted(sig)
            self.assertEqual(run.code, 105, run)
            self.assertLess(took, 3 * harness.SLOWDOWN)
            self.assertEqual(run.count("tcp_sockets"), 10, run)  # there is a summary
            self.assertIn("tcp_sockets", run.out)

    def test_twice_does_not_wait_for_teardown(self):
        script = SCRIPT + "function teardown() k6.sleep(100) end\n"
        run, took = self.interrupted(signal.SIGINT, signal.SIGINT, script=script)
        self.assertEqual(run.code, 105, run)
        self.assertLess(took, 5 * harness.SLOWDOWN)


if __name__ == "__main__":
    unittest.main()
