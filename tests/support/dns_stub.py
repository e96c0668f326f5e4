# SPDX-License-Identifier: GPL-3.0-or-later
"""A DNS server and listeners for one command, in a network of their own.

    dns_stub.py SCENE.json COUNTS.json COMMAND...

SCENE: {"records": {NAME: {"A": [ip ...], "AAAA": [...], "fail_first": n}},
        "listen": [ip ...], "port": p}.
A name that is not there does not exist; fail_first: nor does it for the first n questions of each
type. COUNTS: {"asked": {"NAME TYPE": n}, "accepted": {ip: n}}, when the command has ended; its exit
code is ours.

Meant to be started within `unshare -n -m` (see command()), where port 53 is free. Connections wait
in their listeners' queues, and are counted at the end.
"""

import collections
import contextlib
import ipaddress
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading

TYPES = {1: "A", 28: "AAAA"}
NO_ERROR, NO_SUCH_NAME = 0, 3


def command(harness, folder, scene, hosts=""):
    """Words to put before a command: it sees this DNS server and these lines of /etc/hosts."""
    folder = pathlib.Path(folder)
    (folder / "scene.json").write_text(json.dumps(scene), encoding="utf-8")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:2\n",
                                        encoding="utf-8")
    (folder / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n" + hosts,
                                  encoding="utf-8")
    for name in ("", "resolv.conf", "hosts"):
        (folder / name).chmod(0o755 if name == "" else 0o644)
    setup = (f"set -e; ip link set lo up; mount --bind {folder}/resolv.conf /etc/resolv.conf; "
             f'mount --bind {folder}/hosts /etc/hosts; exec "$@"')
    flags = "-nm" if os.geteuid() == 0 else "-rnm"
    return [harness.program("unshare"), flags, "sh", "-c", setup, "sh",
            sys.executable, str(pathlib.Path(__file__).resolve()),
            str(folder / "scene.json"), str(folder / "counts.json")]


def question(packet):
    """Name, type and the question's bytes."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii").lower())
        at += 1 + packet[at]
    kind = struct.unpack_from("!H", packet, at + 1)[0]
    return ".".join(labels), TYPES.get(kind, str(kind)), kind, packet[12:at + 5]


class Stub:
    def __init__(self, scene):
        self.records = scene.get("records", {})
        self.asked = collections.Counter()
        self.listeners = {}
        self.dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.dns.bind(("127.0.0.1", 53))
        threading.Thread(target=self.answer_all, daemon=True).start()
        for ip in scene.get("listen", []):
            family = socket.AF_INET6 if ":" in ip else socket.AF_INET
            self.listeners[ip] = socket.create_server((ip, scene["port"]), family=family,
                                                      backlog=1000)

    def answer_all(self):
        while True:
            packet, sender = self.dns.recvfrom(4096)
            self.dns.sendto(self.answer(packet), sender)

    def answer(self, packet):
        name, type_name, kind, asked = question(packet)
        self.asked[f"{name} {type_name}"] += 1
        record = self.records.get(name)
        failures = 0 if record is None else record.get("fail_first", 0)
        if record is None or self.asked[f"{name} {type_name}"] <= failures:
            addresses, code = [], NO_SUCH_NAME
        else:
            addresses, code = record.get(type_name, []), NO_ERROR
        data = b"".join(struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(packed)) + packed
                        for packed in (ipaddress.ip_address(ip).packed for ip in addresses))
        head = struct.pack("!HHHHH", 0x8180 | code, 1, len(addresses), 0, 0)
        return packet[:2] + head + asked + data

    def accepted(self):
        counts = collections.Counter()
        for ip, listener in self.listeners.items():
            listener.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    counts[ip] += 1
        return counts


def main():
    scene, counts = (pathlib.Path(path) for path in sys.argv[1:3])
    stub = Stub(json.loads(scene.read_text(encoding="utf-8")))
    code = subprocess.run(sys.argv[3:], check=False).returncode
    counts.write_text(json.dumps({"asked": stub.asked, "accepted": stub.accepted()}),
                      encoding="utf-8")
    sys.exit(code)


if __name__ == "__main__":
    main()
