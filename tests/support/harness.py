# SPDX-License-Identifier: GPL-3.0-or-later
"""What system tests share: start a server, run a script against it, read what came of it.

    with harness.serve("echo") as server:
        run = harness.run(SCRIPT, env={"PORT": server.port})
    counts = server.counts

Everything listens on loopback, on a port that was free, and ends with its `with` block. Nothing is
skipped: a program that is not there fails the test and says which package has it.

RINGLOAD is the binary under test. RINGLOAD_TEST_SLOWDOWN multiplies every time limit.
"""

import contextlib
import ctypes
import errno
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOWDOWN = float(os.environ.get("RINGLOAD_TEST_SLOWDOWN", "1"))
PACKAGES = {"redis-server": "redis-server", "nginx": "nginx", "unshare": "util-linux",
            "setpriv": "util-linux",
            "ip": "iproute2", "ss": "iproute2", "sysctl": "procps", "openssl": "openssl",
            "haproxy": "haproxy",
            "aiosmtpd": "python3-aiosmtpd"}


def binary():
    path = os.environ.get("RINGLOAD")
    if not path or not os.access(path, os.X_OK):
        raise AssertionError(f"RINGLOAD must name the binary to test, and is {path!r}")
    return path


def program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{name} is not installed; it is in the package {PACKAGES[name]}")
    return path


def wait_until(condition, what, seconds=10.0):
    """The first true value of condition(); fails after some seconds."""
    end = time.monotonic() + seconds * SLOWDOWN
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * SLOWDOWN:g} s in vain: {what}")
        time.sleep(0.01)


def answers(host, port):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


def free_port():
    """A port that was free a moment ago, outside of the range that clients connect from."""
    for _ in range(200):
        port = 10000 + int.from_bytes(os.urandom(2), "little") % 20000
        with contextlib.closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port below 30000")


def listen(backlog=100):
    """A listening socket of the test's own. Not on port 0: load tests may have left all of the
    ports that the kernel would choose from in TIME_WAIT."""
    return socket.create_server(("127.0.0.1", free_port()), backlog=backlog)


def stop(process, sig=signal.SIGTERM, seconds=10.0):
    """End a process that we started; its exit code."""
    if process.poll() is None:
        process.send_signal(sig)
    try:
        return process.wait(timeout=seconds * SLOWDOWN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"{process.args[0]} did not end within {seconds} s") from None


# --- Servers. ---


class Server:
    """`ringload serve`, running. counts: what it counted, after stop."""

    def __init__(self, mode, listen="127.0.0.1:0", workers=2, extra=(), seconds=300, env=None):
        self.log = tempfile.TemporaryFile("w+")
        self.counts = None
        self.process = subprocess.Popen(
            [binary(), "serve", mode, "--listen", listen, "--workers", str(workers),
             "--for", f"{seconds}s", "--stats", *extra],
            stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, **(env or {})})
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            code = self.process.wait()
            raise AssertionError(f"serve {mode}: exit code {code}: {line}{self.errors()}")
        host, _, port = line.split()[-1].rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)

    def errors(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self, sig=signal.SIGTERM):
        if self.counts is not None:
            return self.counts
        code = stop(self.process, sig)
        out = self.process.stdout.read()
        if code != 0:
            raise AssertionError(f"serve: exit code {code}: {self.errors()}")
        self.counts = json.loads(out.strip().splitlines()[-1])
        return self.counts

    def kill(self):
        """As a server that is torn out of life: nothing is counted."""
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self.log.close()


@contextlib.contextmanager
def serve(mode, **options):
    """A Server; it is stopped at the end unless the test has done so."""
    server = Server(mode, **options)
    try:
        yield server
        if server.process.poll() is None:
            server.stop()
    finally:
        server.close()


class Daemon:
    """A real server of another make."""

    def __init__(self, process, port, log):
        self.host, self.port, self.process, self.log = "127.0.0.1", port, process, log


@contextlib.contextmanager
def _daemon(command, port, folder):
    log = pathlib.Path(folder, "log")
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder)
    try:
        def ready():
            if process.poll() is not None:
                raise AssertionError(f"{command[0]} ended: {log.read_text(errors='replace')}")
            return answers("127.0.0.1", port)

        wait_until(ready, f"{command[0]} listens")
        yield Daemon(process, port, log)
    finally:
        stop(process)


@contextlib.contextmanager
def redis():
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1",
                   "--dir", folder, "--save", "", "--appendonly", "no", "--daemonize", "no"]
        with _daemon(command, port, folder) as daemon:
            yield daemon


NGINX = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "hello\\n"; }}
    }}
}}
"""


@contextlib.contextmanager
def nginx():
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        conf = pathlib.Path(folder, "nginx.conf")
        conf.write_text(NGINX.format(folder=folder, port=port), encoding="utf-8")
        command = [program("nginx"), "-c", str(conf), "-p", folder, "-e", f"{folder}/error.log"]
        with _daemon(command, port, folder) as daemon:
            yield daemon


# --- Runs. ---


class Run:
    """A finished `ringload run`. summary: --summary-export; None if none was written."""

    def __init__(self, code, out, errors, summary, seconds):
        self.code, self.out, self.errors = code, out, errors
        self.summary, self.seconds = summary, seconds

    def metric(self, name):
        """The values of a metric, {} if it has none."""
        return (self.summary or {}).get("metrics", {}).get(name, {})

    def count(self, name):
        return int(self.metric(name).get("count", 0))

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.errors}"


class Running:
    """A run in progress: to be interrupted, or its server killed."""

    def __init__(self, script, *flags, env=None, before=(), system_env=None, preexec=None):
        self.folder = tempfile.TemporaryDirectory()
        folder = pathlib.Path(self.folder.name)
        if not isinstance(script, pathlib.Path):
            path = folder / "script.lua"
            path.write_text(script, encoding="utf-8")
            script = path
        self.export = folder / "summary.json"
        self.out, self.errors = open(folder / "out", "w+b"), open(folder / "err", "w+b")
        command = [*before, binary(), "run", "--summary-export", str(self.export), *flags]
        if SLOWDOWN > 1 and "--handler-time" not in flags:
            command += ["--handler-time", f"{SLOWDOWN * 2:g}s"]
        for name, value in (env or {}).items():
            command += ["-e", f"{name}={value}"]
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [*command, str(script)], stdin=subprocess.DEVNULL, stdout=self.out,
            stderr=self.errors, env={**os.environ, **(system_env or {})}, preexec_fn=preexec)

    def read(self, file):
        file.seek(0)
        return file.read().decode("utf-8", "replace")

    def signal(self, sig):
        self.process.send_signal(sig)

    def finish(self, seconds=60.0):
        try:
            code = self.process.wait(timeout=seconds * SLOWDOWN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the run did not end within {seconds} s\n"
                                 f"{self.read(self.out)}\n{self.read(self.errors)}") from None
        took = time.monotonic() - self.begun
        summary = None
        if self.export.exists():
            summary = json.loads(self.export.read_text(encoding="utf-8"))
        return Run(code, self.read(self.out), self.read(self.errors), summary, took)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.out.close()
        self.errors.close()
        self.folder.cleanup()


@contextlib.contextmanager
def start(script, *flags, **options):
    """A Running."""
    running = Running(script, *flags, **options)
    try:
        yield running
    finally:
        running.close()


def run(script, *flags, seconds=60.0, **options):
    """Run to its end. script: a text, or the pathlib.Path of a file. env: the script's __ENV.
    before: words before the command, such as ["unshare", "-n"]."""
    with start(script, *flags, **options) as running:
        return running.finish(seconds)


# --- Hostile surroundings: words to put before a command, or what to do in the child before it. ---


def with_file_limit(limit):
    return ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh"]


def in_namespace(setup):
    """A network of its own with nothing but a loopback interface; setup: shell commands in it."""
    for name in ("ip", "sysctl"):
        program(name)
    flags = "-n" if os.geteuid() == 0 else "-rn"
    return [program("unshare"), flags, "sh", "-c",
            f'set -e; ip link set lo up; {setup}; exec "$@"', "sh"]


def refuse_io_uring(error=errno.EPERM):
    """For preexec: io_uring_setup fails with error, as in a container that does not allow it."""
    io_uring_setup = 425
    pr_set_no_new_privs, pr_set_seccomp, seccomp_mode_filter = 38, 22, 2
    load, jump_if_equal, give = 0x20, 0x15, 0x06
    allow, fail = 0x7FFF0000, 0x00050000 | error
    program_bytes = b"".join(struct.pack("HBBI", *line) for line in (
        (load, 0, 0, 0),  # the number of the call
        (jump_if_equal, 0, 1, io_uring_setup),
        (give, 0, 0, fail),
        (give, 0, 0, allow)))
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program_bytes, len(program_bytes))

    def apply():
        header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(code)))
        if libc.prctl(pr_set_no_new_privs, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs")
        if libc.prctl(pr_set_seccomp, seccomp_mode_filter, header) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")

    return apply


# --- Peers of the tests' own. ---


def reset(connection):
    """Close with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_all(connection):
    """What comes until FIN."""
    pieces = []
    while piece := connection.recv(1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


def read_exactly(connection, size):
    pieces, left = [], size
    while left > 0:
        piece = connection.recv(min(left, 1 << 20))
        if not piece:
            raise AssertionError(f"FIN, {left} of {size} bytes before the end")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
