# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the HTTP and Redis modules: real servers, what each is measured against (wrk,
redis-benchmark), and their targets. The io_uring baseline's echo of 64 bytes runs in turn with them,
as the scale: it is what TCP alone costs in the same minutes."""

import os
import shutil
import socket
import statistics
import tempfile
import time

from . import report, row
from .contender import Contender, Load, Ringload
from .process import Failed, Process

NAMES = ("http-nginx", "http-fresh", "redis-get")
MODES = ("http", "redis")
PACKAGES = {"nginx": "nginx", "wrk": "wrk", "redis-server": "redis-server",
            "redis-benchmark": "redis-tools"}
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

HTTP_CONNECTIONS, HTTP_TARGET = 64, 0.9
REDIS_CONNECTIONS, REDIS_TARGET = 50, 0.65
KEY, VALUE = "key:__rand_int__", "xxx"  # those of redis-benchmark without -r


def find(name):
    """The path of a program; without it the row says so."""
    path = shutil.which(name, path=PATH)
    if path is None:
        raise Failed(f"skipped: {name} is not installed (package {PACKAGES[name]})")
    return path


# --- Servers, pinned, with a count of the requests that they have answered. ---


class Service:
    """A server's process, as that of a side; connections() and served() ask it, on connections of their own."""

    sample_ns = 20_000_000  # it answers when its clients' turn is over

    def __init__(self, bench, _contender, load, port):
        self.port, self.core, self.load = port, bench.server_core, load
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.process = None

    def __enter__(self):
        self.process = Process(self.command(), self.core)
        try:
            self.wait_until(self.answers, 10, "the server to listen")
        except Failed:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is None:
            return
        if self.process.alive():
            self.go_on()
            self.process.child.terminate()
            try:
                self.process.child.wait(5)
            except Exception:  # pylint: disable=broad-except
                pass
        self.process.__exit__()
        self.folder.cleanup()

    def pause(self):
        self.process.pause()

    def go_on(self):
        self.process.go_on()

    def ready(self, _load):
        return self.connections()

    def sample(self):
        return {"served": self.served()}, self.process.cpu_ns()

    def check_slice(self, load, delta, _contender):
        if delta["served"] == 0:
            raise Failed("no load within the window")
        if self.connections() != load.connections:
            raise Failed(f"{self.connections()} connections instead of {load.connections}")

    def completed(self, _load, delta):
        return delta["served"]

    def finish(self, load, contender):
        if isinstance(contender, Ringload):
            _check_ringload(contender, load, self.served())

    def value(self, _load):
        return None

    def wait_until(self, condition, timeout_s, what, also_alive=()):
        end = time.monotonic() + timeout_s
        while not condition():
            for process in (self.process, *also_alive):
                if not process.alive():
                    raise Failed(f"ended early: {process.tail()}")
            if time.monotonic() > end:
                raise Failed(f"waited {timeout_s:.0f} s for {what}")
            time.sleep(0.05)

    def answers(self):
        try:
            self.prepare()
            return True
        except OSError:
            return False

    def ask(self, port, question, end):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.sendall(question)
            answer = b""
            while not end(answer):
                piece = peer.recv(1 << 16)
                if not piece:
                    break
                answer += piece
        return answer.decode()


class Nginx(Service):
    """One worker; a small body from memory, the length of wrk's own example."""

    HEADER = ""
    CONFIG = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{ listen 127.0.0.1:{port}; location / {{ {header} return 200 "hello\\n"; }} }}
    server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}
}}
"""

    def command(self):
        path = os.path.join(self.folder.name, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(self.CONFIG.format(folder=self.folder.name, port=self.port,
                                          status=self.port + 1, header=self.HEADER))
        return [find("nginx"), "-c", path, "-p", self.folder.name,
                "-e", self.folder.name + "/error.log"]

    def prepare(self):
        self.questions = 0
        self.status()

    def status(self):
        """(active connections, requests): both with this question's own."""
        text = self.ask(self.port + 1, b"GET / HTTP/1.0\r\n\r\n", lambda _: False)
        lines = text.split("\r\n\r\n", 1)[1].splitlines()
        self.questions += 1
        return int(lines[0].split()[-1]), int(lines[2].split()[2])

    def connections(self):
        return self.status()[0] - 1

    def served(self):
        """Requests of others; those of the time before prepare are ours, and count as nothing."""
        requests = self.status()[1]
        return requests - self.questions


class FreshNginx(Nginx):
    """No two answers are alike, so nothing that a client knows of the last one helps."""

    HEADER = "add_header X-Request-Id $request_id;"


class RedisServer(Service):
    def command(self):
        return [find("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--dir",
                self.folder.name, "--save", "", "--appendonly", "no", "--daemonize", "no"]

    def redis(self, *words):
        text = f"*{len(words)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in words)

        def whole(answer):
            head, mark, rest = answer.partition(b"\r\n")
            if not mark:
                return False
            return not head.startswith(b"$") or len(rest) >= int(head[1:]) + 2
        return self.ask(self.port, text.encode(), whole)

    def prepare(self):
        if not self.redis("SET", KEY, VALUE).startswith("+OK"):
            raise OSError("it is loading")

    def info(self, section, name):
        for line in self.redis("INFO", section).splitlines():
            if line.startswith(name + ":"):
                return line.split(":", 1)[1]
        return None

    def connections(self):
        return int(self.info("clients", "connected_clients")) - 1

    def served(self):
        calls = self.info("commandstats", "cmdstat_get")
        return int(calls.split(",")[0].split("=")[1]) if calls else 0


# --- Contenders. ---


class Foreign(Contender):
    """A program that runs until it is told to end; the server counts for it."""

    mode = None
    optional = True

    def __init__(self, name):
        super().__init__(name, name)
        self.optional = True  # where it is missing, the row says so

    def does(self, load):
        return load.mode == self.mode

    def finish(self):
        self.process.child.kill()
        self.process.child.wait()


class Wrk(Foreign):
    mode = "http"

    def start(self, load, port, core, window_s):
        self.process = Process(
            [find("wrk"), "-t", "1", "-c", str(load.connections), "-d", f"{int(window_s) + 60}s",
             f"http://127.0.0.1:{port}/"], core)
        return [self.process]


class RedisBenchmark(Foreign):
    mode = "redis"

    def start(self, load, port, core, window_s):
        self.process = Process(
            [find("redis-benchmark"), "-h", "127.0.0.1", "-p", str(port), "-q", "-l",
             "-c", str(load.connections), "-n", "1000000", "-P", "1", "-t", "get"], core)
        return [self.process]


def _check_ringload(contender, load, served):
    """All that it says it did, the server has seen; one request a VU may have been cut off."""
    reqs, failed = {"http": ("http_reqs", "http_req_failed"),
                    "redis": ("redis_commands", "redis_command_failed")}[load.mode]
    bad = contender.metrics.get(failed, {}).get("passes", 0) + contender.count("tcp_errors")
    if bad > 0:
        raise Failed(f"{bad} requests or connections failed")
    done = contender.count(reqs)
    if not done <= served <= done + load.connections:
        raise Failed(f"{done} {reqs}, but the server answered {served}")
    if contender.count("tcp_sockets") != load.connections:
        raise Failed(f"{contender.count('tcp_sockets')} connections instead of {load.connections}")


# --- Measuring. ---


def measure(bench, contenders, load, service_class):
    """CPU of the client for each request; of the baseline, for each round trip with a server of its own."""
    def peer(bench, contender, load, port):
        if contender.name == report.REFERENCE:
            return row.EchoPeer(bench, contender, load, port)
        return service_class(bench, contender, load, port)

    def load_of(contender):
        return Load("echo", 64) if contender.name == report.REFERENCE else load

    return row.side_by_side(bench, contenders, load_of, peer)


def _row(name, title, load, service_class, peer, limit):
    the_row = report.Row(name, title, "us")

    def target(_value, _ratio):
        ratios = the_row.ratios("ringload", peer)
        if not ratios:
            return None
        median = statistics.median(ratios)
        if limit is None:
            return f"{median:.2f} ({min(ratios):.2f}..{max(ratios):.2f}) × {peer}; no target"
        return (f"≤ {limit} × {peer}: {median:.2f} ({min(ratios):.2f}..{max(ratios):.2f}), "
                + ("met" if median <= limit else "**missed**"))

    the_row.target = target
    return the_row, load, lambda bench, contenders: measure(bench, contenders, load, service_class)


def make_row(name):
    """The row, its load, and the function that measures one contender once; None: no such row."""
    if name == "http-nginx":
        return _row(name, f"CPU a GET of HTTP/1.1 keep-alive, nginx, {HTTP_CONNECTIONS} connections",
                    Load("http", HTTP_CONNECTIONS), Nginx, "wrk", HTTP_TARGET)
    if name == "http-fresh":
        return _row(name, f"the same, no two answers alike, {HTTP_CONNECTIONS} connections",
                    Load("http", HTTP_CONNECTIONS), FreshNginx, "wrk", None)
    if name == "redis-get":
        return _row(name, f"CPU a GET of Redis, {REDIS_CONNECTIONS} connections, no pipelining",
                    Load("redis", REDIS_CONNECTIONS), RedisServer, "redis-benchmark", REDIS_TARGET)
    return None
