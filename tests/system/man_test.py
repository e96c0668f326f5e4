# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/man/ringload.1 has the flags, modes, exit codes and variables that there are, and no others."""

import pathlib
import re
import shutil
import subprocess
import unittest

import harness

PAGE = harness.ROOT / "docs" / "man" / "ringload.1"


def section(heading):
    """The lines of the page from a heading, .Sh or .Ss, to the next. A heading may be a pattern."""
    lines, inside = [], False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if re.match(r"\.S[hs] ", line):
            inside = re.fullmatch(r"\.S[hs] " + heading, line) is not None
        elif inside:
            lines.append(line)
    return lines


def flags_of_page(heading):
    """Flag -> what is written with it: {"--vus": ("-u", "N")}."""
    found = {}
    for line in section(heading):
        match = re.fullmatch(r"\.It (?:Fl (\w) , )?Fl -([\w-]+)(?: Ar (.*))?", line)
        if match:
            argument = re.sub(r" Ns (.) Ns Ar ", r"\1", match[3] or "")
            found["--" + match[2]] = ("-" + match[1] if match[1] else "", argument)
    return found


def help_of(command):
    result = subprocess.run([harness.binary(), command, "--help"], capture_output=True, text=True,
                            timeout=30, check=True)
    return result.stdout


def flags_of_help(command):
    pattern = r"^  (?:(-\w), |    )(--[\w-]+)(?: (\S+))?  "
    return {name: (letter, argument)
            for letter, name, argument in re.findall(pattern, help_of(command), re.MULTILINE)}


def source(name):
    text = pathlib.Path(harness.ROOT, "engine", name).read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", text)


class TheManPage(unittest.TestCase):
    def test_flags_of_run(self):
        flags = flags_of_help("run")
        self.assertGreater(len(flags), 30)
        self.assertEqual(flags_of_page("Flags of run: .*"), flags)

    def test_flags_of_serve(self):
        flags = flags_of_help("serve")
        self.assertGreater(len(flags), 4)
        self.assertEqual(flags_of_page("Flags of serve"), flags)

    def test_flags_of_doctor(self):
        flags = flags_of_help("doctor")
        self.assertGreater(len(flags), 7)
        self.assertEqual(flags_of_page("Flags of doctor"), flags)

    def test_modes_of_serve(self):
        text = help_of("serve").split("Modes:")[1].split("\n\n")[0]
        modes = re.findall(r"^  (\S+)  ", text, re.MULTILINE)
        self.assertIn("echo", modes)
        self.assertEqual(re.findall(r"^\.It Cm (\S+)", "\n".join(section("Modes of serve")),
                                    re.MULTILINE), modes)

    def test_exit_codes(self):
        text = pathlib.Path(harness.ROOT, "engine", "run", "run.h").read_text(encoding="utf-8")
        codes = re.findall(r"RL_EXIT_\w+ = (\d+)", text)
        self.assertIn("104", codes)
        lines = "\n".join(section("EXIT STATUS"))
        self.assertEqual(re.findall(r"^\.It (\d+)$", lines, re.MULTILINE), codes)

    def test_variables(self):
        pattern = r'\{"\w+", (?:NULL|"\w+"), "(\w+)", (rl_read_\w+),'
        options = re.findall(pattern, source("plan/options_table.c"))
        flags = re.findall(r'\{"[\w-]+", "(\w+)", (read_\w+)\}', source("plan/run_flags.c"))
        self.assertGreater(min(len(options), len(flags)), 10)
        text = "\n".join(section("ENVIRONMENT")).split("The following have no prefix")[0]
        names = re.findall(r"^\.It Ev (.*)$", text, re.MULTILINE)
        self.assertEqual({name for row in names for name in row.split(" , ")},
                         {name for name, _ in options + flags})

    def test_the_script_of_the_examples(self):
        blocks = re.findall(r"\.Bd[^\n]*\n(.*?)\n\.Ed", "\n".join(section("EXAMPLES")), re.DOTALL)
        scripts = [block for block in blocks if "function default" in block]
        self.assertEqual(len(scripts), 1)
        run = harness.run(scripts[0], "--serve", "echo", "--vus", "10", "--iterations", "100")
        self.assertEqual(run.code, 0, str(run))
        self.assertEqual(run.metric("checks").get("passes"), 100, str(run))

    def test_is_clean(self):
        mandoc = shutil.which("mandoc")
        self.assertIsNotNone(mandoc, "mandoc is not installed; it is in the package mandoc")
        result = subprocess.run([mandoc, "-Tlint", "-Wwarning", str(PAGE)], capture_output=True,
                                text=True, timeout=30)
        self.assertEqual(result.stdout + result.stderr, "")


if __name__ == "__main__":
    unittest.main()
