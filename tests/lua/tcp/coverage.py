#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which test cites which requirement: writes COVERAGE.md beside itself.

    coverage.py            write it
    coverage.py --check    fail if it is not what would be written, or if a requirement has no test

A case of tests/lua/tcp/ cites by its name; tests in Python and C by a comment or a name. "T-160 to
T-164" and "T-101...T-103" cite all between.
"""

import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
TARGET = FOLDER / "COVERAGE.md"
PLACES = ("tests/lua/tcp/*.lua", "tests/system/*.py", "tests/unit/**/*.c", "tests/sim/**/*.c")
ID = re.compile(r"T-(\d{3})(L?)(?:(?: to |\s*\.\.\.\s*|…)T-(\d{3}))?")
CASE = re.compile(r't\.case\((?:id \.\. )?"([^"]*)"')


def wanted():
    """[(section, [id ...])]"""
    sections = []
    for line in (FOLDER / "ids.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# ") and line[2].isdigit():
            sections.append((line[2:], []))
        elif line.startswith("T-"):
            sections[-1][1].append(line)
    return sections


def ids_in(text):
    for first, suffix, last in ID.findall(text):
        for number in range(int(first), int(last or first) + 1):
            yield f"T-{number:03d}{suffix}"


def cited():
    """{id: {file ...}}"""
    found = {}
    for pattern in PLACES:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            text = path.read_text(encoding="utf-8")
            for each in ids_in(text):
                found.setdefault(each, set()).add(name)
    return found


def cases_of():
    """{id: number of cases that have it in their names}"""
    count = {}
    for path in sorted(FOLDER.glob("*.lua")):
        text = path.read_text(encoding="utf-8")
        names = CASE.findall(text)
        names += re.findall(r'\["(T-\d{3})"\] = ', text)  # cases made in a loop
        for name in names:
            for each in set(ids_in(name)):
                count[each] = count.get(each, 0) + 1
    return count


def short(name):
    return name.removeprefix("tests/")


def page():
    sections, found, cases = wanted(), cited(), cases_of()
    missing = [each for _, ids in sections for each in ids if each not in found]
    total = sum(len(ids) for _, ids in sections)
    with_case = sum(1 for _, ids in sections for each in ids if cases.get(each))
    lines = ["# What tests the requirements of the socket API", "",
             "Made by `tests/lua/tcp/coverage.py`; a test fails when it is out of date.", "",
             f"{total} requirements, {total - len(missing)} with a test, {with_case} with a case of "
             "the conformance suite.",
             f"Without a test: {', '.join(missing) or 'none'}.", ""]
    for title, ids in sections:
        number, _, name = title.partition(" ")
        lines += [f"## {number}. {name}", "", "| id | cases | where |", "|---|---|---|"]
        for each in ids:
            where = ", ".join(short(name) for name in sorted(found.get(each, ()))) or "**none**"
            lines.append(f"| {each} | {cases.get(each, 0)} | {where} |")
        lines.append("")
    return "\n".join(lines), missing


def main():
    text, missing = page()
    if "--check" not in sys.argv:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print(f"{TARGET.relative_to(ROOT)} is out of date: run tests/lua/tcp/coverage.py")
        return 1
    if missing:
        print("without a test: " + ", ".join(missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
