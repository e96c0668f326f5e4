# SPDX-License-Identifier: GPL-3.0-or-later
r"""The conformance suite of the socket API: tests/lua/tcp/, run by ringload itself against peers.

Each case runs in a process of its own, and what only the outside sees is checked: metrics, log
lines, exit code, what the peer has counted. Then each file runs as a whole, a VU for each case,
with one worker and with four.

    RINGLOAD=build/dev/ringload PYTHONPATH=tests/support \
        python3 tests/system/tcp_conformance_test.py -k connect
"""

import concurrent.futures
import contextlib
import json
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import unittest

import dns_stub
import harness
import peers
import tls_certs
import tls_faults
import tls_peers
import tls_report

FOLDER = harness.ROOT / "tests" / "lua" / "tcp"
AT_ONCE = 3  # cases; most of them wait

# PEER: the mode of `ringload serve`.
SERVED = {"ECHO": "echo", "SINK": "sink", "SOURCE": "source", "SILENT": "silent", "BURST": "burst",
          "FIN": "fin", "FIN_AFTER_REPLY": "fin-after-reply", "RST": "rst",
          "NEVER_READ": "never-read"}
# PEER: the manner of tests/support/peers.py.
OWN = {"SHUT_WR": "shut-wr", "RST_LATER": "rst-later", "SLOW_READER": "slow-reader",
       "DEADLINE": "deadline", "BACKLOG": "backlog"}
ADDRESSES = {"LOCALHOST": "127.0.0.1", "IPV6": "::1"}


def some_address():
    """Nobody was here before: no connection in TIME_WAIT is in the way."""
    return ".".join(str(number) for number in (127, random.randint(1, 254), random.randint(0, 255),
                                               random.randint(1, 254)))


@contextlib.contextmanager
def a_peer(name):
    """A Server or a peers.Peer: host, port, stop() gives the counts."""
    if name in TLS or name in TLS_FAULTS:
        with tls_peer(CERTS, name) as peer:
            yield peer
        return
    if name in OWN:
        with peers.Peer(OWN[name], some_address()) as peer:
            yield peer
        return
    host = ADDRESSES.get(name) or some_address()
    with harness.serve(SERVED.get(name, "echo"), workers=1,
                       listen=f"[{host}]:0" if ":" in host else f"{host}:0") as server:
        yield server


# PEER: certificate and how it is asked for; see tests/support/tls_report.py.
TLS = {"TLS": ("ecdsa", {"alpn": ["h2", "http/1.1"]}), "TLS12": ("rsa", {"version": "1.2"}),
       "TLS13": ("ecdsa", {"version": "1.3"}), "TLS_DNS_ONLY": ("dns_only", {}),
       "TLS_UNKNOWN": ("unknown", {}), "TLS_EXPIRED": ("expired", {}), "TLS_SLOW": ("ecdsa", {}),
       "TLS12_CLIENT": ("rsa", {"version": "1.2", "client": "required"}),
       "TLS13_CLIENT": ("rsa", {"version": "1.3", "client": "required"}),
       "TLS_STARTTLS": ("ecdsa", {}), "TLS_OWN": ("ecdsa", {})}
TLS_MORE = {"TLS_SLOW": {"delay_s": 0.3}, "TLS_STARTTLS": {"starttls": True}}
# PEER: the manner of tests/support/tls_faults.py.
TLS_FAULTS = {"TLS_NEVER": "never-answers", "TLS_FIN_HELLO": "fin-at-hello",
              "TLS_RST_SERVER_HELLO": "rst-at-server-hello", "TLS_ALERT_HELLO": "alert-at-hello",
              "TLS_CLOSE_NOTIFY": "close-notify-only", "TLS_CUT_BETWEEN": "cut-between-records",
              "TLS_CUT_INSIDE": "cut-in-a-record"}


def tls_peer(certs, name):
    if name in TLS_FAULTS:
        return tls_faults.server(certs, certs.ecdsa, TLS_FAULTS[name])
    identity, how = TLS[name]
    context = tls_faults.context_of(certs, getattr(certs, identity), **how)
    return tls_report.server(certs.host, context, **TLS_MORE.get(name, {}))


def tls_files(certs):
    """What scripts open()."""
    def put(name, text):
        path = certs.folder / name
        path.write_text(text, encoding="ascii")
        return str(path)

    hashed = certs.folder / "hashed"
    hashed.mkdir()
    name = tls_certs.openssl("x509", "-hash", "-noout", "-in", certs.ca).strip()
    (hashed / f"{name}.0").write_text(certs.ca.read_text(encoding="ascii"), encoding="ascii")
    return {"TLS_CA_FILE": str(certs.ca), "TLS_CA_DIR": str(hashed),
            "TLS_STRANGER_CA_FILE": str(certs.stranger_ca),
            "TLS_CLIENT_CERT_FILE": str(certs.client_rsa.cert),
            "TLS_CLIENT_KEY_FILE": str(certs.client_rsa.key),
            "TLS_CLIENT2_CERT_FILE": str(certs.client_ecdsa.cert),
            "TLS_CLIENT2_KEY_FILE": str(certs.client_ecdsa.key),
            "TLS_LOCKED_KEY_FILE": put("locked", certs.encrypted(certs.client_rsa, "legacy")),
            "TLS_LOCKED_PKCS8_FILE": put("pkcs8", certs.encrypted(certs.client_rsa, "pkcs8")),
            "TLS_PASSWORD": tls_certs.PASSWORD}


def address_of(name, peer):
    env = {f"{name}_HOST": peer.host, f"{name}_PORT": str(peer.port)}
    if name == "ECHO":  # as the module's own tests call it
        env.update(TCP_ECHO_HOST=peer.host, TCP_ECHO_PORT=str(peer.port))
    return env


SHARED = contextlib.ExitStack()
ENV = {"SLOWDOWN": str(harness.SLOWDOWN), "REFUSED_HOST": some_address(), "REFUSED_PORT": "9"}


CERTS = None


def setUpModule():
    global CERTS  # pylint: disable=global-statement
    CERTS = SHARED.enter_context(tls_certs.made())
    ENV.update(tls_files(CERTS))
    strict = SHARED.enter_context(tls_peers.nginx(CERTS, CERTS.ecdsa))
    ENV.update(address_of("TLS_STRICT_ALPN", strict))
    for name in (*SERVED, *OWN, *ADDRESSES, *TLS, *TLS_FAULTS):
        ENV.update(address_of(name, SHARED.enter_context(a_peer(name))))


def tearDownModule():
    SHARED.close()


# --- What a run has left. ---


class Result:
    """A run: its cases' lines, and its log as a list of dicts."""

    def __init__(self, run):
        self.run, self.log, self.passed, self.failed, self.cases = run, [], [], [], None
        for line in run.errors.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"level": "?", "msg": line}
            self._take(entry)

    def _take(self, entry):
        message = entry["msg"]
        if entry.get("source") != "console":
            self.log.append(entry)
        elif message.startswith("ok "):
            self.passed.append(message[3:])
        elif message.startswith("not ok "):
            self.failed.append(message[7:])
        elif message.startswith("cases "):
            self.cases = json.loads(message[6:])

    def uncaught(self):
        return [line["msg"] for line in self.log if line.get("source") == "stacktrace"]


def run_file(name, *flags, env=None, **options):
    return Result(harness.run(FOLDER / f"{name}.lua", "--quiet", "--log-format", "json",
                              "--handler-time", "20s", *flags,
                              env={**ENV, **(env or {})}, seconds=60, **options))


# --- What a case says of the outside. ---


def check_metric(run, name, expected):
    values = run.metric(name)
    if not isinstance(expected, dict):
        expected = {"count": expected}
    problems = []
    if "fails" in expected and values.get("fails") != expected["fails"]:
        problems.append(f"{name} is {values}")
    if "count" in expected and values.get("count", 0) != expected["count"]:
        problems.append(f"{name} is {values.get('count', 0)} and not {expected['count']}")
    if values.get("min", values.get("count", 0)) < expected.get("at_least", float("-inf")):
        problems.append(f"{name} is {values}, but at least {expected['at_least']} is expected")
    if expected.get("fraction") and all((values[end] * 1000).is_integer()
                                        for end in ("min", "max")):
        problems.append(f"{name} is {values}, whole microseconds")
    at_most = expected.get("at_most", float("inf")) * harness.SLOWDOWN
    if values.get("max", values.get("count", 0)) > at_most:
        problems.append(f"{name} is {values}, but at most {expected['at_most']} is expected")
    return problems


def check_line(log, expected):
    own = ("times", "has", "with", "at_least", "at_most")
    wanted = {key: value for key, value in expected.items() if key not in own}
    found = [line for line in log
             if all(line.get(key) == value for key, value in wanted.items())
             and expected.get("has", "") in line["msg"] + line.get("error", "")
             and expected.get("with", "msg") in line]
    if "at_least" in expected:
        ok = expected["at_least"] <= len(found) <= expected.get("at_most", len(found))
    else:
        ok = len(found) == expected.get("times", 1)
    return [] if ok else [f"{len(found)} log lines are {expected}"]


def check_outside(case, result, counts):
    run, problems = result.run, []
    for name, expected in case.get("metrics", {}).items():
        problems += check_metric(run, name, expected)
    for expected in case.get("log", []):
        problems += check_line(result.log, expected)
    if case.get("quiet") and any(line.get("module") == "tcp" for line in result.log):
        problems.append("the module has logged something")
    if len(result.uncaught()) != case.get("uncaught", 0):
        problems.append(f"{len(result.uncaught())} errors were not caught")
    if run.code != case.get("code", 0):
        problems.append(f"the exit code is {run.code}")
    if run.seconds > case.get("seconds", 30) * harness.SLOWDOWN:
        problems.append(f"it took {run.seconds:.1f} s")
    if run.seconds < case.get("lasts", 0):
        problems.append(f"it took only {run.seconds:.1f} s")
    for peer, expected in case.get("server", {}).items():
        for name, value in expected.items():
            if counts[peer].get(name) != value:
                problems.append(f"{peer} counted {counts[peer]}, but {name} should be {value}")
    for kind in ("asked", "accepted"):
        for name, value in case.get(kind, {}).items():
            if counts["DNS"][kind].get(name, 0) != value:
                problems.append(f"DNS counted {counts['DNS']}, but {kind} {name} should be {value}")
    return problems


def run_case(file, case):
    """What is wrong with it: a text, or None."""
    with contextlib.ExitStack() as stack:
        env, own = {"ONLY": case["name"]}, {}
        for name in case.get("server", {}):
            own[name] = stack.enter_context(a_peer(name))
            env.update(address_of(name, own[name]))
        before, folder = (), None
        if "dns" in case:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            before = dns_stub.command(harness, folder, case["dns"], case.get("etc_hosts", ""))
        result = run_file(file, *case.get("flags", []), env={**env, **case.get("env", {})},
                          system_env=case.get("system"), before=before)
        counts = {name: peer.stop() for name, peer in own.items()}
        if folder:
            counts["DNS"] = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
    problems = check_outside(case, result, counts)
    if result.failed:
        problems = result.failed + problems
    elif case["name"] not in result.passed and "code" not in case:
        problems.insert(0, "it did not come to its end")
    if not problems:
        return None
    return "\n  ".join([f"not ok {case['name']}:", *problems]) + f"\n{result.run}"


class Conformance(unittest.TestCase):
    """One file each."""

    def run_all(self, file):
        cases = run_file(file, env={"LIST": "1"}).cases
        self.assertTrue(cases, f"{file}.lua has no cases")
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            problems = [each for each in pool.map(lambda case: run_case(file, case), cases) if each]
        for workers in (1, 4):
            problems += self.run_together(file, cases, workers)
        self.assertFalse(problems, "\n\n" + "\n\n".join(problems))

    @staticmethod
    def run_together(file, cases, workers):
        """All that need nothing of their own, at the same time."""
        needed = [case["name"] for case in cases if not case["alone"]]
        if not needed:
            return []
        result = run_file(file, "--workers", str(workers))
        problems = [f"{workers} workers: not ok {line}" for line in result.failed]
        ended = {*result.passed, *(line.split(" : ")[0] for line in result.failed)}
        problems += [f"{workers} workers: {name} did not come to its end" for name in needed
                     if name not in ended]
        return [*problems, str(result.run)] if problems else []


def add_tests():
    for path in sorted(FOLDER.glob("*.lua")):
        if path.stem != "lib":
            setattr(Conformance, f"test_{path.stem}",
                    lambda self, file=path.stem: self.run_all(file))


add_tests()


class SocketOptions(unittest.TestCase):
    def test_keepalive(self):
        """T-046: the first probe comes after 30 s; the rest: tests/unit/ring/ring_test.c."""
        script = """
            local tcp = require("k6/x/tcp")
            function default()
              local s <close> = tcp.Socket.new()
              s:connect(__ENV.SILENT_PORT, __ENV.SILENT_HOST)
              s:wait("data", 20000)
            end"""
        address = f"{ENV['SILENT_HOST']}:{ENV['SILENT_PORT']}"
        with harness.start(script, "--iterations", "1", env=ENV) as running:
            def timers():
                shown = subprocess.run([harness.program("ss"), "-Htno", "dst", address],
                                       capture_output=True, text=True, check=True)
                return re.findall(r"timer:\(keepalive,(\d+)sec,0\)", shown.stdout)

            found = harness.wait_until(timers, f"a connection to {address} with a keepalive timer")
            running.signal(signal.SIGINT)
            running.finish()
        self.assertEqual(len(found), 1)
        self.assertTrue(20 <= int(found[0]) <= 30, found)


if __name__ == "__main__":
    unittest.main()
