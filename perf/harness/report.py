# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers to a Markdown table, and the machine they come from."""

import os
import platform
import statistics
import subprocess
from datetime import datetime, timezone

REFERENCE = "io_uring"


class Row:
    """All repetitions of one measurement: results[contender] is one dictionary a repetition, in
    the same order for all, so that ratios are of runs that stood beside each other."""

    def __init__(self, name, title, unit, target=None):
        self.name = name
        self.title = title
        self.unit = unit
        self.target = target  # function(median value, median ratio) -> text or None
        self.results = {}
        self.failed = {}

    def values(self, contender, key="value"):
        return [result[key] for result in self.results.get(contender, [])]

    def ratios(self, contender, against=REFERENCE):
        mine, reference = self.values(contender), self.values(against)
        if contender in self.failed or against in self.failed or len(mine) != len(reference):
            return []
        return [a / b for a, b in zip(mine, reference) if b > 0]


def _number(value, unit):
    return f"{value:.0f}" if unit == "B" else f"{value:.2f}"


def _spread(values, show):
    return f"{show(statistics.median(values))} ({show(min(values))}..{show(max(values))})"


def cells(row, contender):
    """The columns of one contender: value, ratio, rate, busy, verdict."""
    if contender in row.failed:
        return [f"**FAILED**: {row.failed[contender]}", "-", "-", "-", "-"]
    values, ratios = row.values(contender), row.ratios(contender)
    rate, busy = "-", "-"
    if "rate" in row.results[contender][0]:
        rate = f"{statistics.median(row.values(contender, 'rate')) / 1000:.1f}"
        busy = " / ".join(f"{statistics.median(row.values(contender, who)) * 100:.0f}"
                          for who in ("client_busy", "others_busy"))
        noisy = sum(row.values(contender, "noisy"))
        if noisy > 0:
            busy += f" ({noisy} of {len(values)} noisy)"
    verdict = None
    ratio = statistics.median(ratios) if ratios else None
    if row.target is not None and contender == "ringload":
        verdict = row.target(statistics.median(values), ratio)
    show_ratio = "-"
    if ratio is not None and row.unit != "B" and contender != REFERENCE:
        show_ratio = _spread(ratios, lambda x: f"{x:.2f}")
    return [_spread(values, lambda x: _number(x, row.unit)), show_ratio, rate, busy,
            verdict or "-"]


def table(rows, contenders):
    heads = ["row", "contender", "median (min..max)", f"x {REFERENCE} (min..max)", "thousand/s",
             "busy % client / others", "target"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        for contender in contenders:
            if contender not in row.failed and not row.values(contender):
                continue
            line = [f"{row.title}, {'µs' if row.unit == 'us' else 'bytes'}", contender]
            lines.append("| " + " | ".join(line + cells(row, contender)) + " |")
    return "\n".join(lines)


def _first(path, prefix):
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(prefix):
                    return line.split(":", 1)[-1].strip()
    except OSError:
        pass
    return "unknown"


def revision(root):
    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True,
                              check=False).stdout.strip()

    dirty = git("status", "--porcelain", "--", "engine", "lua", "perf", "cmake", "CMakeLists.txt",
                ":!perf/results")
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" + changes" if dirty else "")


def machine(root, command, cores, repeats, window_s):
    """What a reader needs to judge the numbers."""
    memory = int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1048576
    load = os.getloadavg()
    return "\n".join([
        f"* date: {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"* revision: {revision(root)}",
        f"* CPU: {_first('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores"
        f"{', virtual' if 'hypervisor' in _first('/proc/cpuinfo', 'flags').split() else ''}, "
        f"{memory:.0f} GiB; server on core {cores[0]}, client on core {cores[1]}",
        f"* kernel: Linux {platform.release()}; {platform.freedesktop_os_release()['PRETTY_NAME']}",
        f"* {repeats} repetitions, contenders in turn, window {window_s:g} s; "
        f"load average before: {load[0]:.2f}",
        f"* command: `{command}`",
    ])
