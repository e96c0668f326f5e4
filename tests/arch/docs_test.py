# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of docs/api/ are what their generator makes; stubs say all they should; links lead somewhere.

That the stubs name what the program has, tests/system/stubs_test.py checks.
"""

import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

sys.path.insert(0, str(ROOT / "docs" / "api"))
import generate  # noqa: E402


def stubs():
    return {path: generate.read_stub(generate.STUBS / path) for _, path, _ in generate.TABLE}


class ThePages(unittest.TestCase):
    def test_are_what_the_generator_makes(self):
        self.assertEqual(generate.stale(generate.make()), [])

    def test_a_page_for_each_module(self):
        pages = {path for _, path, _ in generate.TABLE}
        for path in generate.STUBS.rglob("*.lua"):
            name = str(path.relative_to(generate.STUBS))
            if name not in pages:
                text = path.read_text(encoding="utf-8")
                self.assertRegex(text, r'\nreturn require\("k6[\w/]*"\)\n$', f"{name} has no page")

    def test_parts_are_included(self):
        parts = {part for _, _, part in generate.TABLE if part}
        found = {str(p.relative_to(generate.PAGES)) for p in (generate.PAGES / "parts").glob("*")}
        self.assertEqual(found, parts)


class TheStubs(unittest.TestCase):
    def test_functions_say_what_they_raise_and_mean(self):
        for path, stub in stubs().items():
            for function in stub.functions():
                where = f"{path}: {function.name}"
                self.assertRegex(function.text, r"(?m)^Raises \w", where)
                self.assertNotRegex(function.text, r"^(Raises|Waits)", f"{where}: what does it do?")
                for kind, name, _ in function.returns:
                    self.assertTrue(kind, where)

    def test_fields_of_tables_that_scripts_write_are_explained(self):
        for path, stub in stubs().items():
            for item in stub.classes().values():
                for field in item.fields:
                    if field.optional and field.name != "port":
                        self.assertTrue(field.text, f"{path}: {item.name}.{field.name}")

    def test_codes_of_our_own_are_named(self):
        source = (ROOT / "engine" / "base" / "status.c").read_text(encoding="utf-8")
        codes = set(re.findall(r'\{RL_E\w+, "(E\w+)"', source))
        self.assertIn("EDESTROYED", codes)
        error = stubs()["k6/x/tcp.lua"].classes()["k6.tcp.TCPError"]
        text = {f.name: f.text for f in error.fields}["code"]
        self.assertEqual(codes - set(re.findall(r"`(E\w+)`", text)), set())


class TheGenerator(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "stub.lua")
            path.write_text(text, encoding="utf-8")
            return generate.read_stub(path)

    def test_reads_a_class_with_functions(self):
        stub = self.read("---@meta\n--- # a\n\n---One.\n---@class a.B\n---Two.\n---@field c? x|y\n"
                         "---@field d fun(e: f, g: h): i three\n---@field C x As c.\nlocal b = {}\n\n"
                         "---Four.\n---@async\n---@param p? { q: r } five\n---@return s t six\n"
                         "---@overload fun(self: a.B, u: v)\nfunction b:m(p) end\nb.n = b.m\n")
        item = stub.classes()["a.B"]
        self.assertEqual((stub.text, item.text), ("# a", "One."))
        self.assertEqual([(f.name, f.type, f.optional, f.text, f.spellings) for f in item.fields],
                         [("c", "x|y", True, "Two.", ["C"]),
                          ("d", "fun(e: f, g: h): i", False, "three", [])])
        function = item.functions[0]
        self.assertEqual((function.member, function.waits, function.aliases), ("m", True, ["n"]))
        self.assertEqual(function.params[0].type, "{ q: r }")
        self.assertEqual(function.returns, [("s", "t", "six")])
        self.assertEqual([p.name for p in function.overloads[0]], ["self", "u"])

    def test_refuses_a_parameter_that_is_not_there(self):
        with self.assertRaises(SystemExit):
            self.read("---Text.\n---@param a integer\nfunction f(b) end\n")

    def test_sees_a_page_that_was_changed(self):
        files = {path: text + "more" for path, text in generate.make().items()}
        self.assertEqual(len(generate.stale(files)), len(files))


class TheLinks(unittest.TestCase):
    def anchors(self, path):
        text = path.read_text(encoding="utf-8")
        heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}

    def test_lead_somewhere(self):
        pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        self.assertGreater(len(pages), 10)
        for page in pages:
            folder = page.parents[1] if page.parent.name == "parts" else page.parent
            text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"\w+:", target):
                    continue
                name, _, anchor = target.partition("#")
                path = (folder / name) if name else page
                self.assertTrue(path.exists(), f"{page.relative_to(ROOT)}: {target}")
                if anchor and path.suffix == ".md":
                    self.assertIn(anchor, self.anchors(path), f"{page.relative_to(ROOT)}: {target}")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main()
