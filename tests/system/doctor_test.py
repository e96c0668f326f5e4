# SPDX-License-Identifier: GPL-3.0-or-later
"""`ringload doctor`: what this machine lacks for a load, and the one line of it that a run gives."""

import json
import os
import pathlib
import subprocess
import unittest

import harness


def doctor(*flags, before=(), preexec=None):
    result = subprocess.run([*before, harness.binary(), "doctor", *flags], capture_output=True,
                            text=True, timeout=60 * harness.SLOWDOWN, preexec_fn=preexec)
    return result.returncode, result.stdout, result.stderr


def findings(*flags, before=(), preexec=None):
    code, out, errors = doctor("--json", *flags, before=before, preexec=preexec)
    report = json.loads(out)
    return code, {item["name"]: item for item in report["findings"]}, report, errors


def in_namespace(ports):
    return harness.in_namespace(f'sysctl -qw net.ipv4.ip_local_port_range="{ports}"')


class Doctor(unittest.TestCase):
    def test_reads_this_machine(self):
        _, items, report, _ = findings("--vus", "10", "--workers", "1", "--target", "127.0.0.1:80")
        text = pathlib.Path("/proc/sys/net/core/somaxconn").read_text(encoding="utf-8")
        self.assertEqual(items["net.core.somaxconn"]["found"], text.strip())
        self.assertEqual(items["interrupts of the network card"]["found"], "none (lo)")
        self.assertEqual(items["io_uring"]["state"], "ok")
        self.assertEqual((report["vus"], report["workers"], report["target"]),
                         (10, 1, "127.0.0.1:80"))
        self.assertGreater(report["capacity"], 10)

    def test_enough(self):
        """Also as text: a line a finding, none of them short."""
        before = in_namespace("20000 20999")
        flags = "--vus", "10", "--workers", "1", "--target", "127.0.0.1:80"
        code, items, report, _ = findings(*flags, before=before)
        short = [name for name, item in items.items() if item["state"] == "short"]
        self.assertEqual((short, report["short"]), ([], 0))
        self.assertEqual(code, 0)
        code, out, _ = doctor(*flags, before=before)
        self.assertEqual(code, 0, out)
        self.assertRegex(out, r"(?m)^ok +source ports +1000, needs 10$")

    def test_files_and_ports_are_short(self):
        before = [*in_namespace("20000 20999"), *harness.with_file_limit(66)]
        code, items, report, _ = findings("--vus", "2000", "--workers", "1", before=before)
        self.assertEqual(code, 1)
        files, ports = items["open files (hard limit)"], items["source ports"]
        self.assertEqual((files["state"], files["found"], files["needed"]),
                         ("short", "66", "95"))
        self.assertIn("ulimit -n 95", files["remedy"])
        self.assertEqual((ports["state"], ports["found"], ports["needed"]),
                         ("short", "1000", "2000"))
        self.assertIn('sysctl -w net.ipv4.ip_local_port_range="1024 65535"', ports["remedy"])
        self.assertEqual((report["capacity"], report["limit"]), (2 * 66, "open files (hard limit)"))

    def test_remedies_mend(self):
        """What it says is done, word for word; then it is no longer short."""
        before = in_namespace("20000 20999")
        _, items, _, _ = findings("--vus", "2000", "--workers", "1", before=before)
        remedy = items["source ports"]["remedy"]
        again = harness.in_namespace(
            'sysctl -qw net.ipv4.ip_local_port_range="20000 20999"; ' + remedy + " >&2")
        code, items, _, errors = findings("--vus", "2000", "--workers", "1", before=again)
        self.assertEqual(items["source ports"]["state"], "ok", errors)

    def test_more_addresses_are_more_ports(self):
        before = in_namespace("20000 20999")
        _, items, _, _ = findings("--vus", "2000", "--local-ips", "127.0.0.2-127.0.0.3",
                                  before=before)
        self.assertEqual((items["source ports"]["state"], items["source ports"]["found"]),
                         ("ok", "2000"))

    def test_all_addresses(self):
        _, items, _, _ = findings("--vus", "2000", "--local-ips", "auto", "--target",
                                  "127.0.0.1:80", before=in_namespace("20000 20999"))
        self.assertEqual(items["source ports"]["state"], "ok")
        code, _, errors = doctor("--local-ips", "auto")
        self.assertEqual(code, 255)
        self.assertIn("give --target", errors)

    def test_apply(self):
        """In a network of its own: nothing of this machine's is changed."""
        before = in_namespace("20000 20999")
        code, items, _, errors = findings("--vus", "2000", "--workers", "1", "--apply",
                                          before=before)
        self.assertRegex(errors, r"applied .*ip_local_port_range = 1024 65535", errors)
        self.assertEqual(items["source ports"]["state"], "ok")
        self.assertEqual(code, 0, errors)

    def test_apply_without_rights(self):
        """It says so for each, goes on, and does not pretend."""
        before = []
        if os.geteuid() == 0:
            before = [*in_namespace("20000 20999"), harness.program("setpriv"), "--reuid=65534",
                      "--regid=65534", "--clear-groups"]
        code, items, _, errors = findings("--vus", "10000000", "--apply", before=before)
        self.assertEqual(code, 1)
        self.assertRegex(errors, r"refused +source ports: .*no right to write it; run this as root")
        self.assertEqual(items["source ports"]["state"], "short")

    def test_io_uring_refused(self):
        code, items, report, _ = findings("--vus", "10", preexec=harness.refuse_io_uring())
        self.assertEqual(code, 1)
        self.assertEqual(items["io_uring"]["state"], "short")
        self.assertIn("seccomp", items["io_uring"]["remedy"])
        self.assertEqual((report["capacity"], report["limit"]), (0, "io_uring"))

    def test_wrong_flags(self):
        for flags, named in (("--vus 0", "--vus"), ("--vus many", "--vus"), ("--rate -1", "--rate"),
                             ("--target nowhere", "--target"), ("--target a:0", "--target"),
                             ("--target ::1:80", "--target"), ("--local-ips 300.0.0.1",
                                                               "--local-ips"),
                             ("--workers 0", "--workers"), ("x", "x"), ("--jsn", "--json")):
            with self.subTest(flags=flags):
                code, out, errors = doctor(*flags.split())
                self.assertEqual((code, out), (255, ""), errors)
                self.assertIn(named, errors)


class OneLineOfARun(unittest.TestCase):
    SCRIPT = "function default() end"

    def lines(self, vus, before):
        run = harness.run(self.SCRIPT, "--vus", str(vus), "--iterations", str(vus), "--workers",
                          "1", before=before)
        self.assertEqual(run.code, 0, run)
        return [line for line in run.errors.splitlines() if "ringload doctor" in line]

    def test_names_the_worst_and_the_command(self):
        before = [*in_namespace("20000 20099"), *harness.with_file_limit(66)]
        lines = self.lines(500, before)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("source ports: 100 for 500 VUs", lines[0])
        self.assertIn("(and 1 more)", lines[0])
        self.assertIn("'ringload doctor --vus 500'", lines[0])

    def test_is_not_there_if_nothing_is_short(self):
        self.assertEqual(self.lines(50, in_namespace("20000 20099")), [])


if __name__ == "__main__":
    unittest.main()
