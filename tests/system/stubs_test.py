# SPDX-License-Identifier: GPL-3.0-or-later
"""The stubs in lua/types/ name what there is, and nothing else.

Most of ringload's objects cannot be gone through by a script. But the name of each member is a
string somewhere in the engine's sources: so every such string is tried.
"""

import json
import pathlib
import re
import sys
import unittest

import harness
import tls_certs
import tls_faults
import tls_report

sys.path.insert(0, str(harness.ROOT / "docs" / "api"))
import generate  # noqa: E402

# Globals that a script makes.
OF_SCRIPTS = {"options", "default"}

# Deprecated since Lua 5.3, and there where a distribution builds Lua with LUA_COMPAT_MATHLIB.
COMPATIBLE = {"math": {"atan2", "cosh", "frexp", "ldexp", "log10", "pow", "sinh", "tanh"}}


def literals(*folders):
    """Every string in C sources that could be a name in Lua."""
    names = set()
    for folder in folders:
        for path in (harness.ROOT / "engine" / folder).glob("*.c"):
            names.update(re.findall(r'"([A-Za-z_]\w{0,39})"', path.read_text(encoding="utf-8")))
    return names


def stubs():
    return {page: generate.read_stub(generate.STUBS / path) for page, path, _ in generate.TABLE}


def classes():
    return {name: item for stub in stubs().values() for name, item in stub.classes().items()}


def members(item):
    """Of a class: its names and the types that the stub gives them."""
    found = {}
    for field in item.fields:
        for name in [field.name] + field.spellings:
            if not name.startswith("["):
                found[name] = field.type
    for function in item.functions:
        for name in [function.member] + function.aliases:
            found[name] = "function"
    return found


def fits(written, real):
    """Is a value of the type real what the stub says?"""
    first = re.split(r"[|?<]", written)[0]
    if first.startswith('"'):
        first = "string"
    if first == "lightuserdata":
        return real == "userdata"
    if first == "number":
        return real in ("integer", "float")
    if "." in first:
        return real in ("table", "userdata")
    return first == real


class TheStubs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.written = classes()
        names = set(literals("script"))
        for item in cls.written.values():
            names.update(members(item))
        for stub in stubs().values():
            names.update(i.name for i in stub.items if hasattr(i, "name") and "." not in i.name)
            names.update(re.findall(r"`(\w+)`", stub.text))
        with tls_certs.made() as certs:
            context = tls_faults.context_of(certs, certs.ecdsa, alpn=["http/1.1"])
            with tls_report.server(certs.host, context) as peer:
                run = harness.run(harness.ROOT / "tests" / "lua" / "members.lua", "--serve", "echo",
                                  "--log-format", "raw", "--insecure-skip-tls-verify",
                                  env={"NAMES": ",".join(sorted(names)), "TLS_HOST": peer.host,
                                       "TLS_PORT": str(peer.port)})
        if run.code != 0:
            raise AssertionError(str(run))
        lines = re.findall(r"^MEMBERS (.*)$", run.errors, re.MULTILINE)
        cls.real = dict(json.loads(line) for line in lines)

    def compare(self, name, written, real):
        self.assertEqual(sorted(set(real) - set(written)), [], f"{name}: not in the stubs")
        self.assertEqual(sorted(set(written) - set(real)), [], f"{name}: in the stubs only")

    def test_members_of_modules_and_objects(self):
        seen = [name for name in self.real if name in self.written]
        self.assertGreaterEqual(len(seen), 19)
        for name in seen:
            self.compare(name, members(self.written[name]), self.real[name])

    def test_types_of_members(self):
        for name in self.real:
            if name not in self.written:
                continue
            for member, written in members(self.written[name]).items():
                real = self.real[name].get(member, "missing")
                if real == "option":
                    continue
                self.assertTrue(fits(written, real), f"{name}.{member}: {written}, but it is {real}")

    def test_every_class_is_looked_at(self):
        tables = {"ringload.Options", "ringload.Dns", "ringload.Scenario", "ringload.TlsAuth",
                  "ringload.SocketOptions"}  # TheOptions does
        for name in self.written:
            if name not in self.real and name not in tables:
                self.fail(f"{name}: tests/lua/members.lua does not show it")

    def test_a_socket_keeps_its_own_names(self):
        self.compare("k6.tcp.Socket", members(self.written["k6.tcp.Socket"]),
                     self.real["read-only"])

    def test_globals(self):
        written = {"coroutine", "debug", "math", "os", "string", "table", "utf8"}
        for page in stubs().values():
            for item in page.items:
                if isinstance(item, (generate.Function, generate.Global)):
                    written.add(item.name)
                elif isinstance(item, generate.Class) and item.name.startswith("ringload."):
                    written.add(item.variable)
        written -= {None} | OF_SCRIPTS
        rows = dict(re.findall(r"^\| `?(\w+)`? \| (.*) \|$", stubs()["globals"].text, re.MULTILINE))
        written.update(re.findall(r"`(\w+)`", rows["basic"]))
        self.compare("globals", written, set(self.real["globals"]) - OF_SCRIPTS)

    def test_libraries_of_lua(self):
        rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", stubs()["globals"].text, re.MULTILINE))
        self.assertEqual(len(rows), 7)
        for name, row in rows.items():
            real = set(self.real[f"lib {name}"]) - COMPATIBLE.get(name, set())
            self.compare(name, re.findall(r"`(\w+)`", row), real)


class TheOptions(unittest.TestCase):
    SCRIPT = """
        options = {}
        for name in __ENV.NAMES:gmatch("[^,]+") do options[name] = json.null end
        function default() end
    """

    def unknown(self, names):
        run = harness.run(self.SCRIPT, env={"NAMES": ",".join(sorted(names))})
        self.assertEqual(run.code, 0, str(run))
        return set(re.findall(r'unknown option \\?"(\w+)', run.errors))

    def test_keys(self):
        written, spellings = set(), set()
        for field in classes()["ringload.Options"].fields:
            written.add(field.name)
            spellings.update(field.spellings)
        names = literals("plan") | written
        known = names - spellings - self.unknown(names - spellings)
        self.assertEqual(sorted(known - written), [], "not in the stubs")
        self.assertEqual(sorted(written - known), [], "in the stubs only")
        self.assertEqual(self.unknown(spellings), set())

    def test_keys_of_dns(self):
        run = harness.run('options = { dns = { no_such = 1 } } function default() end')
        self.assertEqual(run.code, 104, str(run))
        keys = re.search(r"no_such.*there are (\w+), (\w+) and (\w+)", run.errors)
        self.assertIsNotNone(keys, str(run))
        self.assertEqual({f.name for f in classes()["ringload.Dns"].fields}, set(keys.groups()))

    def test_keys_of_tls_auth(self):
        run = harness.run('options = { tlsAuth = { { no_such = "1" } } } function default() end')
        self.assertEqual(run.code, 104, str(run))
        keys = re.search(r"no_such.*there are (\w+), (\w+), (\w+) and (\w+)", run.errors)
        self.assertIsNotNone(keys, str(run))
        self.assertEqual({f.name for f in classes()["ringload.TlsAuth"].fields}, set(keys.groups()))

    def test_socket_options(self):
        text = pathlib.Path(harness.ROOT, "engine", "net", "sockopt.c").read_text(encoding="utf-8")
        names = set(re.findall(r'^    \{"([\w-]+)", [A-Z_]+, ', text, re.MULTILINE))
        self.assertGreater(len(names), 10)
        self.assertEqual({f.name for f in classes()["ringload.SocketOptions"].fields},
                         {re.sub(r"-(\w)", lambda m: m[1].upper(), name) for name in names})

    def test_keys_of_scenarios(self):
        known, kinds = set(), classes()["ringload.Scenario"].fields[0].type
        executors = re.findall(r'"([\w-]+)"', kinds)
        self.assertEqual(len(executors), 3)
        for executor in executors:
            run = harness.run(f"""
                options = {{ scenarios = {{ s = {{ executor = "{executor}", duration = "1s", no_such = 1 }} }} }}
                function default() end
            """)
            self.assertEqual(run.code, 104, str(run))
            keys = re.search(r"no_such.*takes ([\w, ]+)", run.errors)
            self.assertIsNotNone(keys, str(run))
            known.update(keys[1].split(", "))
        written = {f.name for f in classes()["ringload.Scenario"].fields}
        self.assertEqual(known | {"executor", "options"}, written)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
