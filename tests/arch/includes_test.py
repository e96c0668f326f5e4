# SPDX-License-Identifier: GPL-3.0-or-later
"""Includes between rooms go one way.

The tables are read from CMakeLists.txt. By its rl_room lines a room may include itself, what it
USES, and what those may include; by its rl_room_library lines, the headers of the libraries that
it links. Checks engine/, after a self-test that plants each kind of violation in a small tree and
expects it to be found.
"""

import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The headers of a library that not every room may see.
LIBRARIES = {
    "rl::uring": re.compile(r"liburing(\.h$|/)"),
    "rl::lua": re.compile(r"(lua5\.4/)?(lua|lauxlib|lualib|luaconf)\.h(pp)?$"),
    "rl::wolfssl": re.compile(r"wolfssl/"),
    "rl::jansson": re.compile(r"jansson"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
ROOM_LINE = re.compile(r"^\s*rl_room\(\s*(\w+)(?:\s+USES\s+([\w\s]+?))?\s*\)", re.MULTILINE)
LIBRARY_LINE = re.compile(r"^\s*rl_room_library\(\s*(\w+)\s+([^)]*)\)", re.MULTILINE)


def read_libraries(cmake_text):
    """Library -> the rooms that may include its headers."""
    rooms = {library: set() for library in LIBRARIES}
    for match in LIBRARY_LINE.finditer(cmake_text):
        for library in match[2].split():
            rooms.setdefault(library, set()).add(match[1])
    return rooms


def read_table(cmake_text):
    """Room -> the rooms that it may include, itself among them."""
    direct = {m[1]: (m[2] or "").split() for m in ROOM_LINE.finditer(cmake_text)}
    allowed = {}
    for room in direct:
        todo, seen = [room], set()
        while todo:
            name = todo.pop()
            if name not in direct:
                raise SystemExit(f"CMakeLists.txt: {room} uses {name}, which is not a room")
            if name not in seen:
                seen.add(name)
                todo += direct[name]
        allowed[room] = seen
    for room, rooms in allowed.items():
        for other in rooms - {room}:
            if room in allowed[other]:
                raise SystemExit(f"CMakeLists.txt: {room} and {other} use each other")
    return allowed


def check_file(path, room, allowed, libraries, engine):
    """The violations of one file, as lines to print."""
    text = path.read_text(encoding="utf-8")
    found = []
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        where = f"{path.relative_to(engine.parent)}:{line}"
        header = match[2]
        for library, pattern in LIBRARIES.items():
            if pattern.match(header) and room not in libraries[library]:
                found.append(f"{where}: <{header}>: {room} has no rl_room_library line for {library}")
        if match[1] == '"' and "/" in header:
            other = header.split("/")[0]
            if other not in allowed:
                found.append(f'{where}: "{header}" is in no room')
            elif other not in allowed[room]:
                found.append(f'{where}: "{header}": {room} may not include {other}')
            elif not (engine / header).is_file():
                found.append(f'{where}: "{header}" does not exist')
        elif match[1] == '"' and (path.parent / header).is_file():
            found.append(f'{where}: "{header}" is written as "{room}/{header}"')
    return found


def check_tree(engine, cmake_text):
    allowed, libraries = read_table(cmake_text), read_libraries(cmake_text)
    found = []
    for folder in sorted(p for p in engine.iterdir() if p.is_dir()):
        if folder.name not in allowed:
            found.append(f"engine/{folder.name}: no rl_room line in CMakeLists.txt")
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".c", ".h"):
                found += check_file(path, folder.name, allowed, libraries, engine)
    return found


class FindsPlantedViolations(unittest.TestCase):
    TABLE = """
rl_room(base)
rl_room(ring USES base)
rl_room(loop USES ring)
rl_room_library(ring rl::uring)
"""

    def problems(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            engine = pathlib.Path(folder) / "engine"
            for header in ("base/list.h", "ring/ring.h", "loop/loop.h"):
                (engine / header).parent.mkdir(parents=True, exist_ok=True)
                (engine / header).touch()
            (engine / name).parent.mkdir(exist_ok=True)
            (engine / name).write_text(text, encoding="utf-8")
            return check_tree(engine, self.TABLE)

    def test_arrows_of_the_table_pass(self):
        text = '#include "loop/loop.h"\n#include <stdio.h>\n#include "ring/ring.h"\n'
        self.assertEqual(self.problems("loop/loop.c", text + '#include "base/list.h"\n'), [])

    def test_arrow_against_the_table(self):
        self.assertEqual(
            self.problems("base/list.c", '\n#  include "ring/ring.h"\n'),
            ['engine/base/list.c:2: "ring/ring.h": base may not include ring'],
        )

    def test_header_that_is_not_there(self):
        self.assertEqual(len(self.problems("ring/a.h", '#include "base/gone.h"\n')), 1)

    def test_folder_that_is_no_room(self):
        self.assertEqual(len(self.problems("other/a.c", "")), 1)
        self.assertEqual(len(self.problems("ring/a.c", '#include "other/a.h"\n')), 1)

    def test_own_header_without_its_room(self):
        self.assertEqual(len(self.problems("ring/a.c", '#include "ring.h"\n')), 1)

    def test_library_outside_its_room(self):
        for header in ("liburing.h", "lua.h", "lauxlib.h", "wolfssl/ssl.h", "jansson.h"):
            for quotes in ("<%s>", '"%s"'):
                line = "#include " + quotes % header + "\n"
                self.assertTrue(self.problems("base/a.c", line), line)
        self.assertEqual(self.problems("ring/a.c", "#include <liburing.h>\n"), [])

    def test_circle_in_the_table(self):
        with self.assertRaises(SystemExit):
            read_table("rl_room(a USES b)\nrl_room(b USES a)\n")


class TheEngine(unittest.TestCase):
    def test_includes_go_one_way(self):
        text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        self.assertIn("ring", read_table(text))
        self.assertEqual(read_libraries(text)["rl::uring"], {"ring"})
        self.assertEqual(read_libraries(text)["rl::lua"], {"script"})
        found = check_tree(ROOT / "engine", text)
        self.assertEqual(found, [], "\n" + "\n".join(found))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
