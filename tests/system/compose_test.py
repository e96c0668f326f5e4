# SPDX-License-Identifier: GPL-3.0-or-later
"""docker/compose.yaml: its form, and that what it sets is what `ringload doctor` asks for.

There is no container engine here. The two commands run in a network namespace with its sysctls.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import unittest

import harness

FILE = harness.ROOT / "docker" / "compose.yaml"

# Of the compose specification, what the file may use: key -> the type of its value.
SERVICE = {"build": dict, "image": str, "command": list, "cpuset": str, "security_opt": list,
           "ulimits": dict, "sysctls": dict, "depends_on": list}


def scalar(text):
    if text[:1] == '"':
        return json.loads(text)
    return int(text) if re.fullmatch(r"-?\d+", text) else text


def parse(lines, indent=0):
    """The part of YAML that the file is written in: maps, lists of scalars, scalars, by indentation."""
    is_list = lines[0][indent:].startswith("- ")
    found = [] if is_list else {}
    while lines and len(lines[0]) - len(lines[0].lstrip()) == indent:
        line = lines.pop(0)[indent:]
        if is_list:
            found.append(scalar(line[2:]))
            continue
        key, value = re.fullmatch(r"([\w.]+):(?: (.*))?", line).groups()
        if value:
            found[key] = scalar(value)
        else:
            found[key] = parse(lines, len(lines[0]) - len(lines[0].lstrip()))
    return found


def read():
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines()
             if line.strip() and not line.lstrip().startswith("#")]
    return parse(lines)


def words(command):
    """With the defaults of ${NAME:-default}."""
    return [re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(word)) for word in command]


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = read()
        cls.target, cls.load = (cls.file["services"][name] for name in ("target", "ringload"))

    def test_form(self):
        """As the compose specification has it. Against the whole of YAML where a parser is at hand."""
        self.assertEqual(set(self.file), {"name", "services"})
        self.assertEqual(set(self.file["services"]), {"target", "ringload"})
        for service in self.file["services"].values():
            for key, value in service.items():
                self.assertIsInstance(value, SERVICE[key], key)
            for limit in service["ulimits"].values():
                self.assertEqual(set(limit), {"soft", "hard"})
        self.assertEqual(self.load["depends_on"], ["target"])
        with contextlib.suppress(ImportError):
            import yaml
            self.assertEqual(yaml.safe_load(FILE.read_text(encoding="utf-8")), self.file)

    def test_files_that_it_names(self):
        build = self.target["build"]
        self.assertTrue((FILE.parent / build["context"] / build["dockerfile"]).is_file())
        self.assertEqual(self.target["image"], self.load["image"])
        for service in (self.target, self.load):
            (profile,) = service["security_opt"]
            self.assertTrue((FILE.parent / profile.removeprefix("seccomp=")).is_file())
        image = (FILE.parent / "Dockerfile").read_text(encoding="utf-8")
        script = pathlib.Path(words(self.load["command"])[-1])
        self.assertIn(f"COPY lua/examples {script.parent}", image)
        self.assertTrue((harness.ROOT / "lua" / "examples" / script.name).is_file())

    def test_apart(self):
        self.assertNotEqual(self.target["cpuset"], self.load["cpuset"])

    def doctor(self, sysctls, target):
        setup = "; ".join(f'sysctl -qw {name}="{value}"' for name, value in sysctls.items())
        command = words(self.load["command"])
        vus = command[command.index("--vus") + 1]
        result = subprocess.run(
            [*harness.in_namespace(setup or "true"), harness.binary(), "doctor", "--json", "--vus",
             vus, "--workers", "1", "--target", target],
            capture_output=True, text=True, timeout=60 * harness.SLOWDOWN)
        self.assertEqual(result.stderr, "")
        return {item["name"].split(" ")[0]: item for item in json.loads(result.stdout)["findings"]}

    NAMES = {"net.ipv4.ip_local_port_range": "source"}

    def check_sysctls(self, sysctls, short_without):
        before = self.doctor({}, "127.0.0.1:7000")
        after = self.doctor(sysctls, "127.0.0.1:7000")
        for name in sysctls:
            state = after[self.NAMES.get(name, name)]["state"]
            if name.endswith("mem"):  # depends on tcp_mem, which a namespace does not see
                self.assertIn(state, ("ok", "unknown"), name)
            else:
                self.assertEqual(state, "ok", name)
        for name in short_without:
            self.assertEqual(before[name]["state"], "short", name)

    def test_sysctls_are_what_doctor_asks_for(self):
        """Each is judged by doctor, and enough; those that new namespaces lack are short without."""
        self.check_sysctls(self.target["sysctls"], ["net.core.somaxconn"])
        self.check_sysctls(self.load["sysctls"], [])

    def test_limits_are_what_doctor_asks_for(self):
        items = self.doctor({}, "127.0.0.1:7000")
        needed = {item["name"]: item["needed"] for item in items.values()}
        for service in (self.target, self.load):
            files = service["ulimits"]["nofile"]
            self.assertEqual(files["soft"], files["hard"])
            self.assertGreaterEqual(files["hard"], int(needed["open files (hard limit)"]))
            self.assertEqual(service["ulimits"]["memlock"], {"soft": -1, "hard": -1})

    def test_the_commands_run(self):
        """With fewer VUs and for a shorter time, in one namespace with all of its sysctls."""
        sysctls = {**self.target["sysctls"], **self.load["sysctls"]}
        setup = "; ".join(f'sysctl -qw {name}="{value}"' for name, value in sysctls.items())
        serve = " ".join(words(self.target["command"])) + " --for 60s"
        load = words(self.load["command"])
        load[load.index("--vus") + 1] = "200"
        load[load.index("--duration") + 1] = "1s"
        load = ["HOST=127.0.0.1" if word == "HOST=target" else word for word in load[:-1]]
        script = harness.ROOT / "lua" / "examples" / pathlib.Path(self.load["command"][-1]).name
        before = harness.in_namespace(
            f"{setup}; {harness.binary()} {serve} >/dev/null 2>&1 & "
            'until ss -Hltn "sport = :7000" | grep -q 7000; do sleep 0.1; done')
        before[1:1] = ["--pid", "--fork", "--kill-child"]  # the server ends with the run
        result = subprocess.run([*before, harness.binary(), *load, str(script)],
                                capture_output=True, text=True, timeout=120 * harness.SLOWDOWN)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout, r"checks_succeeded\S* 100.00%")


if __name__ == "__main__":
    unittest.main()
